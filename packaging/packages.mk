# Packages of the release; the Makefile includes this. What they are built from
# is the tarball, so that nothing gets in that git does not know.

DIST := build/dist
TARBALL := $(DIST)/devops_agent-$(VERSION).tar.gz

.PHONY: tarball deb check-deb

tarball:  ## the source, reproducible, in build/dist
	@packaging/tarball.sh $(TARBALL)
	@ls $(TARBALL)

deb: tarball deps-build deps-package  ## the Debian package, in build/dist/deb
	@nice packaging/deb.sh $(TARBALL) $(DIST)/deb

check-deb: deps-build deps-package  ## build, install, upgrade, purge the .deb in a new Debian
	@t/lib/run-tests t/lab/deb.sh
