# Written by m4/data-files.sh: manual pages are installed, guides go into the tarball.
dist_man_MANS += \
	doc/dialtone.1 \
	doc/dialtone.conf.5
EXTRA_DIST += \
	doc/architecture.md \
	doc/vendors.md
