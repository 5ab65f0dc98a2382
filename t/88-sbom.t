#!/bin/bash
# The software bill of materials says what the programs are linked with.
. "$(dirname "$0")/lib/tap.sh"

case $DEVOPS_AGENT in
*/bin/devops_agent) ;;
*) skip_all "only the release build is installed" ;;
esac

made() {
	/usr/bin/python3 "$ROOT/packaging/sbom.py" 9.9.9 86400 "$@"
}

run made "$DEVOPS_AGENT" "$DEVOPS_AGENT-api" "$DEVOPS_AGENT-forward"
exits 0 "it is made" || exit
bill=$out
is "$(jq -c '[.bomFormat, .specVersion, .metadata.timestamp,
	.metadata.component.version]' <<<"$bill")" \
	'["CycloneDX","1.5","1970-01-02T00:00:00Z","9.9.9"]' \
	"it is of the version and the time that it was asked for"
is "$(made "$DEVOPS_AGENT" "$DEVOPS_AGENT-api" "$DEVOPS_AGENT-forward")" "$bill" \
	"the same input gives the same bytes"
for program in devops_agent devops_agent-api devops_agent-forward; do
	is "$(jq --arg p "$program@9.9.9" '.dependencies[] | select(.ref == $p) |
		.dependsOn | length' <<<"$bill")" \
		"$(readelf -dW "$(dirname "$DEVOPS_AGENT")/$program" |
			grep NEEDED | grep -cvE '\[(libc|libm|ld-linux[^.]*)\.so')" \
		"every library of $program is in it"
done
is "$(jq '[.components[] | .["bom-ref"]] - [.dependencies[].dependsOn[]] | length' \
	<<<"$bill")" 0 "no part is in it that nothing depends on"
is "$(jq '[.components[] | select(.type == "library") |
	select(.version == "" or .licenses == [])] | length' <<<"$bill")" 0 \
	"each has a version and a licence"

run made /usr/bin/bash
isnt "$status" 0 "a library that it knows nothing of is an error"
like "$err" 'libtinfo' "... which names it"
done_testing
