# deploy/systemd: units, the account and the folders
systemdsystemunit_DATA = deploy/systemd/dialtone.service deploy/systemd/dialtone-courier.service
dist_systemdsystemunit_DATA = deploy/systemd/dialtone.socket
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
EXTRA_DIST += deploy/systemd/dialtone.service.in deploy/systemd/dialtone-courier.service.in deploy/systemd/dialtone.sysusers deploy/systemd/dialtone.tmpfiles
CLEANFILES += deploy/systemd/dialtone.service deploy/systemd/dialtone-courier.service

deploy/systemd/dialtone.service: deploy/systemd/dialtone.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) deploy/systemd && $(SED) 's,[@]sbindir[@],$(sbindir),g' $(srcdir)/deploy/systemd/dialtone.service.in >$@.tmp && mv $@.tmp $@

deploy/systemd/dialtone-courier.service: deploy/systemd/dialtone-courier.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) deploy/systemd && $(SED) 's,[@]sbindir[@],$(sbindir),g' $(srcdir)/deploy/systemd/dialtone-courier.service.in >$@.tmp && mv $@.tmp $@

install-data-local: install-sysusers
.PHONY: install-sysusers uninstall-sysusers
install-sysusers:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(srcdir)/deploy/systemd/dialtone.sysusers '$(DESTDIR)$(sysusersdir)/dialtone.conf'
	$(INSTALL_DATA) $(srcdir)/deploy/systemd/dialtone.tmpfiles '$(DESTDIR)$(tmpfilesdir)/dialtone.conf'
uninstall-local: uninstall-sysusers
uninstall-sysusers:
	rm -f '$(DESTDIR)$(sysusersdir)/dialtone.conf' '$(DESTDIR)$(tmpfilesdir)/dialtone.conf'
