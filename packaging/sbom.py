#!/usr/bin/python3
"""sbom.py VERSION EPOCH PROGRAM...: what the programs are made of.

A software bill of materials, CycloneDX 1.5 as JSON, to standard output: each
program, and the libraries that it was linked with, which it says itself, in
the versions that pkg-config finds here.  A library that is not in the table is
an error.  The same input gives the same bytes.
"""

import json
import os
import re
import subprocess
import sys
import time
import uuid

# Library as a program names it: module of pkg-config, name, licence by SPDX.
LIBRARIES = {
    "libcap": ("libcap", "libcap", "BSD-3-Clause OR GPL-2.0-only"),
    "libcurl": ("libcurl", "curl", "curl"),
    "libgnutls": ("gnutls", "gnutls", "LGPL-2.1-or-later"),
    "libjansson": ("jansson", "jansson", "MIT"),
    "libmd": ("libmd", "libmd", "BSD-3-Clause"),
    "libmicrohttpd": ("libmicrohttpd", "libmicrohttpd", "LGPL-2.1-or-later"),
    "libpcre2-8": ("libpcre2-8", "pcre2", "BSD-3-Clause"),
    "libsqlite3": ("sqlite3", "sqlite", "blessing"),
    "libyaml-0": ("yaml-0.1", "libyaml", "MIT"),
    "libz": ("zlib", "zlib", "Zlib"),
    "libzstd": ("libzstd", "zstd", "BSD-3-Clause OR GPL-2.0-only"),
}
SYSTEM = {"libc", "libm", "ld-linux-x86-64", "ld-linux-aarch64"}


def output(*command):
    """What a command prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          universal_newlines=True).stdout.strip()


def linked(path):
    """The libraries that a program names, but those of the C library."""
    names = re.findall(r"\(NEEDED\).*\[([^]]+?)\.so[.\d]*\]",
                       output("readelf", "--dynamic", "--wide", path))
    unknown = set(names) - set(LIBRARIES) - SYSTEM
    if unknown:
        sys.exit("sbom.py: %s is linked with %s, which is not in LIBRARIES"
                 % (path, ", ".join(sorted(unknown))))
    return sorted(set(names) - SYSTEM)


def library(key):
    """One library, as it is here."""
    module, name, licence = LIBRARIES[key]
    version = output("pkg-config", "--modversion", module)
    purl = "pkg:generic/%s@%s" % (name, version)
    return {"type": "library", "bom-ref": purl, "name": name,
            "version": version, "purl": purl,
            "licenses": [{"expression": licence}]}


def program(name, version):
    """One of the programs."""
    return {"type": "application", "bom-ref": "%s@%s" % (name, version),
            "name": name, "version": version,
            "licenses": [{"expression": "MIT"}]}


def bill(version, epoch, programs):
    """All of it; `programs` is a dict of name to libraries."""
    product = program("devops_agent", version)
    product["bom-ref"] = "pkg:generic/devops_agent@" + version
    product["purl"] = product["bom-ref"]
    libraries = {module: library(module) for module in
                 sorted({m for modules in programs.values()
                         for m in modules})}
    parts = [program(name, version) for name in programs]
    depends = [{"ref": product["bom-ref"],
                "dependsOn": [part["bom-ref"] for part in parts]}]
    depends += [{"ref": part["bom-ref"],
                 "dependsOn": sorted(libraries[m]["bom-ref"]
                                     for m in programs[part["name"]])}
                for part in parts]
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": "urn:uuid:%s" % uuid.uuid5(
            uuid.NAMESPACE_URL, product["purl"] + json.dumps(depends)),
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                       time.gmtime(epoch)),
            "component": product},
        "components": parts + list(libraries.values()),
        "dependencies": depends,
    }


def main():
    """The bill of the command line."""
    if len(sys.argv) < 4:
        sys.exit("usage: sbom.py VERSION EPOCH PROGRAM...")
    programs = {os.path.basename(path): linked(path)
                for path in sys.argv[3:]}
    json.dump(bill(sys.argv[1], int(sys.argv[2]), programs), sys.stdout,
              indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
