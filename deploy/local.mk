# deploy: what is installed, and what only goes into the tarball
dist_doc_DATA = README.md NEWS SECURITY.md CONTRIBUTING.md

examplesdir = $(docdir)/examples
dist_examples_DATA = \
	haproxy.cfg.example \
	deploy/dialtone.conf.example \
	deploy/kamailio.cfg.example \
	deploy/nginx/dialtone.conf \
	deploy/nginx/nginx.conf

bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = deploy/bash-completion/dialtone

EXTRA_DIST += \
	deploy/install-packages \
	deploy/private-mariadb \
	deploy/quickstart

include deploy/systemd/local.mk
