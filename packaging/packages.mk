# Packages of the release; the Makefile includes this.  What is built from is
# the tarball, so that nothing gets in that git does not know.

