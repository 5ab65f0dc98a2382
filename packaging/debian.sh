# shellcheck shell=bash
# debian.sh: where this machine gets its packages, for scripts that make trees
# of Debian from there.

# debian_mirror RELEASE: the mirror of the release itself, among the host's
# package sources; nothing where there is none.
debian_mirror() {
	# shellcheck disable=SC2016 # expanded by apt
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(LABEL)' \
		'Created-By: Packages' 'Component: main' |
		awk -v release="$1" '$2 == release && $3 == "Debian" {
			print $1; exit }'
}

# debian_lists RELEASE FOLDER URL: the package lists of a release that need not
# be the host's, apart from the host's own; apt takes them by
# -c FOLDER/apt.conf.
debian_lists() {
	mkdir -p "$2/lists/partial" "$2/cache/archives/partial"
	: >"$2/status"
	printf 'deb [signed-by=%s] %s %s main\n' \
		/usr/share/keyrings/debian-archive-keyring.gpg "$3" "$1" \
		>"$2/sources.list"
	cat >"$2/apt.conf" <<-END
		Dir::Etc::SourceList "$2/sources.list";
		Dir::Etc::SourceParts "-";
		Dir::State "$2";
		Dir::State::Lists "$2/lists";
		Dir::State::Status "$2/status";
		Dir::Cache "$2/cache";
		APT::Sandbox::User "root";
	END
	apt-get -c "$2/apt.conf" update
}

# copy_apt_config TREE: package sources with their keys, and how to reach them,
# as this machine has them.
copy_apt_config() {
	mkdir -p "$1/etc/apt/apt.conf.d"
	rm -rf "$1/etc/apt/sources.list"
	cp -a /etc/apt/sources.list* "$1/etc/apt/"
	for part in keyrings trusted.gpg.d auth.conf.d preferences.d; do
		test ! -d "/etc/apt/$part" || cp -a "/etc/apt/$part" "$1/etc/apt/"
	done
	apt-config dump | grep '^Acquire::' >"$1/etc/apt/apt.conf.d/00host"
	mkdir -p "$1/usr/share/keyrings" "$1/etc/ssl" "$1/usr/local/share"
	cp -a /usr/share/keyrings/. "$1/usr/share/keyrings/"
	cp -aL /etc/ssl/certs "$1/etc/ssl/"
	cp -L /etc/resolv.conf /etc/hosts "$1/etc/"
}

# in_debian TREE COMMAND...: as root in the tree, which is the root of a mount
# namespace (a mere chroot may make no user namespaces).
in_debian() {
	local tree=$1

	shift
	PROXIES=$(env | grep -iE '^(https?|no|ftp)_proxy=' | tr '\n' ' ') || :
	export PROXIES
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare --mount --pid --fork --kill-child --propagation private \
		sh -euc '
		tree=$1
		shift
		mount --bind "$tree" "$tree"
		mount --rbind /dev "$tree/dev"
		mount --rbind /sys "$tree/sys"
		mount -t proc proc "$tree/proc"
		mount -t tmpfs -o mode=1777 tmpfs "$tree/tmp"
		mkdir -p "$tree/.host"
		cd "$tree"
		pivot_root . .host
		umount -l /.host
		rmdir /.host
		exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
			LANG=C.UTF-8 $PROXIES "$@"' sh "$tree" "$@" </dev/null
}
