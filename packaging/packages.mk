# Packages of the release; the Makefile includes this. What they are built from
# is the tarball, so that nothing gets in that git does not know.

DIST := build/dist
TARBALL := $(DIST)/devops_agent-$(VERSION).tar.gz

.PHONY: tarball deb rpm image release sbom check-deb check-rpm check-image

tarball:  ## the source, reproducible, in build/dist
	@packaging/tarball.sh $(TARBALL)
	@ls $(TARBALL)

deb: tarball deps-build deps-package  ## the Debian package, in build/dist/deb
	@nice packaging/deb.sh $(TARBALL) $(DIST)/deb

check-deb: deps-build deps-package  ## build, install, upgrade, purge the .deb in a new Debian
	@t/lib/run-tests t/lab/deb.sh t/88-security-modules.t

rpm: tarball deps-build deps-package  ## the RPM, in build/dist/rpm
	@nice packaging/rpm.sh $(TARBALL) $(DIST)/rpm

check-rpm: deps-build deps-package  ## build the RPM, look at its files and scripts, install it
	@t/lib/run-tests t/lab/rpm.sh

IMAGE := localhost/devops_agent:$(VERSION)
image: tarball  ## the OCI image IMAGE, by podman or docker
	@nice packaging/image.sh $(TARBALL) $(IMAGE)

check-image: deps-build deps-package  ## build the image, and try what its sandbox enforces
	@t/lib/run-tests t/lab/image.sh

# What is in the programs, by what each says that it was linked with.
SBOM := $(DIST)/devops_agent-$(VERSION).cdx.json
sbom: tarball all  ## the software bill of materials (CycloneDX)
	@$(PYTHON) packaging/sbom.py $(VERSION) \
		"$$(tar --full-time -tvf $(TARBALL) --wildcards '*/VERSION' | \
			awk '{ print $$4, $$5 }' | xargs -I{} date -d {} +%s)" \
		$(PROGRAM) $(PEER_PROGRAMS) >$(SBOM).tmp
	@mv $(SBOM).tmp $(SBOM)
	@ls $(SBOM)

release: tarball sbom deb rpm  ## all of it, with checksums, in build/dist/release
	@rm -rf $(DIST)/release && mkdir -p $(DIST)/release
	@cp $(TARBALL) $(SBOM) $(DIST)/deb/*_$(VERSION)-*.deb \
		$(DIST)/rpm/devops_agent-$(VERSION)-*.rpm $(DIST)/release
	@cd $(DIST)/release && sha256sum -- * >../SHA256SUMS && \
		mv ../SHA256SUMS . && cat SHA256SUMS
