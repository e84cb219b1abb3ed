#!/bin/bash
# Why: the only test double of the product is tested itself: each host answers by its contract, a
# fault breaks what it names and nothing else, and the end is clean. Usage: smoke_test.sh <binary>
set -euo pipefail

binary=$1
dir=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT
"$binary" --dir "$dir" --port 0 --dns-port 0 --control-port 0 >"$dir/out" 2>&1 &
pid=$!
for _ in $(seq 200); do
    [ -f "$dir/ports.json" ] && break
    sleep 0.05
done
port() { sed "s/.*\"$1\":\([0-9]*\).*/\1/" "$dir/ports.json"; }
tls=$(port tls)
control=http://127.0.0.1:$(port control)
admin="Authorization: Bearer $(cat "$dir/cp-admin-token")"

# call HOST PATH [curl arguments]: prints "STATUS BODY"; the status is 000 without an answer.
call() {
    local host=$1.sandbox.test path=$2
    shift 2
    curl -s --max-time 3 --cacert "$dir/ca.pem" --resolve "$host:$tls:127.0.0.1" \
        -o "$dir/body" -w '%{http_code} ' "$@" "https://$host:$tls$path" || true
    cat "$dir/body" 2>/dev/null || true
    rm -f "$dir/body"
}
failed=0
# expect NAME PATTERN TEXT
expect() {
    # shellcheck disable=SC2053
    if [[ $3 != $2 ]]; then
        printf 'FAILED %s\n  wanted %s\n  got    %.300s\n' "$1" "$2" "$3"
        failed=1
    fi
}
fault() { expect "fault $1" '*"ok":true*' "$(curl -s -d "$1" "$control/fault")"; }

expect "control plane health" '200 *"status":"ok"*' "$(call api /health)"
expect "login without cookie" '401 *' "$(call api /cp/auth/me)"
expect "admin without token" '401 *' "$(call api /cp/admin/orgs)"
expect "orgs" '200 *"slug":"acme"*' "$(call api '/cp/admin/orgs?limit=500' -H "$admin")"
expect "exact slug" '404 {"error":"org not found","slug":"nope"}' \
    "$(call api /cp/admin/tenants/nope/boot-events -H "$admin")"
expect "unrouted" '404 404 page not found' "$(call api /nowhere)"
expect "tenant health" '200 {"status":"ok"}' "$(call acme /health)"
expect "tenant guard is an empty 404" '404 ' "$(call acme /workspaces)"
expect "metrics" '200 *molecule_http_requests_total{*' "$(call acme /metrics)"
token=$(call api /cp/admin/orgs/acme/admin-token -H "$admin" | sed 's/.*:"\(.*\)".*/\1/')
as=(-H "Origin: https://acme.sandbox.test:$tls" -H "Authorization: Bearer $token")
expect "workspaces" '200 \[{*"runtime":"hermes"*' "$(call acme /workspaces "${as[@]}")"
expect "a wrong UUID is deleted too" '200 *' \
    "$(call acme /workspaces/11111111-1111-4111-8111-111111111111 -X DELETE "${as[@]}")"
expect "registry challenge" '401 *UNAUTHORIZED*' \
    "$(call registry /v2/molecule-ai/platform/manifests/latest)"
expect "canvas" '200 *__NEXT_DATA__*' "$(call app /)"
expect "reference" '204 ' "$(call ref1 /)"
expect "pager" '200 ok' "$(call pager /hook -d '{}')"

# A restart boots the agent anew, and one in vain leaves the old one answering.
demo_token=$(call api /cp/admin/orgs/demo/admin-token -H "$admin" | sed 's/.*:"\(.*\)".*/\1/')
demo=(-H "Origin: https://demo.sandbox.test:$tls" -H "Authorization: Bearer $demo_token")
# The first workspace of demo: its id, status or uptime.
first() { call demo /workspaces "${demo[@]}" | sed 's/^200 //' |
    python3 -c "import json, sys; print(json.load(sys.stdin)[0]['$1'])"; }
reaches() { # FIELD COMMAND WANTED: true once it is so, within 5 s
    for _ in $(seq 100); do
        [ "$($2 "$1")" = "$3" ] && return 0
        sleep 0.05
    done
    return 1
}
id=$(first id)
fault '{"kind":"restart_reply","mode":"noop"}'
expect "restart in vain says 200" '200 *"status":"provisioning"*' \
    "$(call demo "/workspaces/$id/restart" -X POST "${demo[@]}")"
reaches status first online || expect "online again" online "$(first status)"
expect "and the old agent answers" '259???' "$(first uptime_seconds)"
fault '{"kind":"restart_reply","mode":"503"}'
expect "no provisioner" '503 *provisioner not available*' \
    "$(call demo "/workspaces/$id/restart" -X POST "${demo[@]}")"
expect "restart" '200 *"status":"provisioning"*' \
    "$(call demo "/workspaces/$id/restart" -X POST "${demo[@]}")"
reaches status first online || expect "online anew" online "$(first status)"
expect "with a new agent" '[0-9]' "$(first uptime_seconds)"

# Stop and start follow the machine's own pace; neither is taken out of its turn.
instance() { call api '/cp/admin/orgs?limit=500' -H "$admin" | sed 's/^200 //' |
    python3 -c "import json, sys
print(next(o['instance_status'] for o in json.load(sys.stdin)['orgs'] if o['slug'] == '$1'))"; }
lifecycle() { call api "/cp/admin/tenants/wayne/$1" -X POST -H "$admin"; }
fault '{"kind":"tenant_down","tenant":"wayne","how":"dead_machine"}'
expect "no redeploy reaches a dead machine" '200 *"ok":false*' "$(lifecycle redeploy)"
expect "nothing to start" '409 *' "$(lifecycle start)"
expect "stop" '200 *"ok":true*' "$(lifecycle stop)"
reaches wayne instance stopped || expect "stopped" stopped "$(instance wayne)"
fault '{"kind":"start_reply","mode":"lost"}'
expect "the start's reply is lost" '000 ' "$(lifecycle start)"
reaches wayne instance running || expect "running" running "$(instance wayne)"
expect "stop and start mend it" '200 {"status":"ok"}' "$(call wayne /health)"
fault '{"kind":"stop_reply","mode":"noop"}'
expect "a stop that does nothing says 200" '200 *"ok":true*' "$(lifecycle stop)"
expect "it still runs" running "$(instance wayne)"

# Several tenants in one call, by name; nobody is named by leaving the names out.
fleet() { call api /cp/admin/tenants/redeploy-fleet -X POST -H "$admin" -d "$1"; }
expect "a fleet call wants names" '400 *' "$(fleet '{"target_tag":"latest"}')"
expect "a dry run lists exactly them" '200 *"slug":"hooli","ssm_exit_code":0,"ssm_status":"DryRun"*' \
    "$(fleet '{"only_slugs":["hooli"],"target_tag":"latest","dry_run":true}')"
expect "and changes nothing" '200 {"status":"ok"}' "$(call hooli /health)"
fault '{"kind":"redeploy_reply","mode":"lost"}'
expect "a fleet call's reply is lost" '000 ' "$(fleet '{"only_slugs":["hooli"],"target_tag":"latest"}')"
expect "and it took" '200 *<!doctype html>*' "$(call hooli /health)"
expect "the journal has it" '*"effect":"redeploy hooli"*' "$(curl -s "$control/journal?effects=1")"
expect "a tag that is nowhere" '200 *"ok":false*' \
    "$(fleet '{"only_slugs":["hooli"],"target_tag":"staging-0000000"}')"

# A workspace keeps its secrets to itself as soon as its agent has a token; the admin can mint one.
of() { sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
wayne_token=$(call api /cp/admin/orgs/wayne/admin-token -H "$admin" | of admin_token)
on() { # TENANT PATH [curl arguments], as its admin
    local slug=$1 path=$2 secret=${1}_token
    shift 2
    call "$slug" "$path" -H "Origin: https://$slug.sandbox.test:$tls" \
        -H "Authorization: Bearer ${!secret}" "$@"
}
make() { on wayne /workspaces -H 'Content-Type: application/json' -d "$1"; }
id=$(on wayne /workspaces | sed 's/^200 //' |
    python3 -c "import json, sys; print(json.load(sys.stdin)[0]['id'])")
expect "the admin may not read secret values" '401 {"error":"invalid workspace auth token"}' \
    "$(on wayne "/workspaces/$id/secrets/values")"
expect "but their names" '200 \[{*"key":"CLAUDE_CODE_OAUTH_TOKEN"*"key":"MODEL_PROVIDER"*' \
    "$(on wayne "/workspaces/$id/secrets")"
own=$(on wayne "/workspaces/$id/tokens" -X POST)
expect "the admin mints a token" '201 *"auth_token":"*' "$own"
own=$(of auth_token <<<"$own")
expect "which reads them" '200 *"MODEL_PROVIDER":"sonnet"*' "$(call wayne \
    "/workspaces/$id/secrets/values" -H "Origin: https://wayne.sandbox.test:$tls" \
    -H "Authorization: Bearer $own")"
expect "a token is known by its beginning" "200 *\"count\":2*\"prefix\":\"${own:0:8}\"*" \
    "$(on wayne "/workspaces/$id/tokens")"
minted=$(on wayne "/workspaces/$id/tokens" | sed 's/^200 //' | python3 -c "import json, sys
print(next(t['id'] for t in json.load(sys.stdin)['tokens'] if '$own'.startswith(t['prefix'])))")
expect "and revoked by its id" '200 {"status":"revoked"}' \
    "$(on wayne "/workspaces/$id/tokens/$minted" -X DELETE)"
expect "a role with a sign" '400 {"error":"invalid workspace fields"}' \
    "$(make '{"name":"a","role":"Owns R&D","runtime":"claude-code"}')"
expect "an access that nobody knows" '400 {"error":"invalid workspace access"}' \
    "$(make '{"name":"a","runtime":"claude-code","model":"sonnet","workspace_access":"x"}')"
made=$(make '{"name":"a","runtime":"claude-code","model":"sonnet"}' | of id)
expect "the model of a create is not stored" '200 {"model":"","source":"default"}' \
    "$(on wayne "/workspaces/$made/model")"
expect "nor its access shown" 0 "$(on wayne /workspaces | grep -c workspace_access || true)"
expect "what never was has no secrets" '200 {}' \
    "$(on wayne /workspaces/11111111-1111-4111-8111-111111111111/secrets/values)"

# The same on the newest build.
fault '{"kind":"platform","build":"newest","tenant":"wayne"}'
expect "what never was is 404" '404 *' \
    "$(on wayne /workspaces/11111111-1111-4111-8111-111111111111/secrets/values)"
expect "the admin may not read secret values there either" '401 *' \
    "$(on wayne "/workspaces/$id/secrets/values")"
expect "delete wants the name" '400 *"destructive_action_requires_confirmation"*"name":"a"*' \
    "$(on wayne "/workspaces/$made" -X DELETE)"
expect "and takes it" '200 *"status":"removed"*' \
    "$(on wayne "/workspaces/$made" -X DELETE -H 'X-Confirm-Name: a')"
expect "once" '410 *' "$(on wayne "/workspaces/$made" -X DELETE -H 'X-Confirm-Name: a')"
expect "and of what never was it is 404" '404 *' \
    "$(on wayne /workspaces/11111111-1111-4111-8111-111111111111 -X DELETE)"
root=$(on wayne /workspaces | sed 's/^200 //' | python3 -c "import json, sys
print(next(w['id'] for w in json.load(sys.stdin) if w['kind'] == 'platform'))")
expect "the name comes before the children" '400 *' "$(on wayne "/workspaces/$root" -X DELETE)"
expect "children hold it" '409 *' \
    "$(on wayne "/workspaces/$root" -X DELETE -H 'X-Confirm-Name: Concierge')"
for row in 'RUNTIME_UNRESOLVED {"name":"b","template":"x"}' \
    'RUNTIME_UNSUPPORTED {"name":"b","runtime":"langgraph"}' \
    'MODEL_REQUIRED {"name":"b","runtime":"claude-code"}' \
    'UNREGISTERED_MODEL_FOR_RUNTIME {"name":"b","runtime":"claude-code","model":"x"}' \
    'DERIVED_PROVIDER_NOT_IN_REGISTRY {"name":"b","runtime":"hermes","model":"ghost/x"}' \
    'MISSING_BYOK_CREDENTIAL {"name":"b","runtime":"claude-code","model":"sonnet"}'; do
    expect "${row%% *}" "422 *\"code\":\"${row%% *}\"*" "$(make "${row#* }")"
done
made=$(make '{"name":"b","runtime":"claude-code","model":"sonnet","tier":2,
              "secrets":{"CLAUDE_CODE_OAUTH_TOKEN":"x"}}' | of id)
expect "the model is stored" '200 {"model":"sonnet","source":"workspace_secrets"}' \
    "$(on wayne "/workspaces/$made/model")"
expect "under the root, in tier 4" "200 *\"parent_id\":\"$root\"*\"tier\":4*" \
    "$(on wayne "/workspaces/$made")"
fault '{"kind":"platform","build":"measured","tenant":"wayne"}'
expect "and back" '200 *' "$(on wayne "/workspaces/$made" -X DELETE)"

fault '{"kind":"tenant_down","tenant":"acme","how":"refuse"}'
expect "acme is gone" '000 ' "$(call acme /health)"
expect "acme-2 is not" '200 {"status":"ok"}' "$(call acme-2 /health)"
fault '{"kind":"redeploy_reply","mode":"lost"}'
expect "lost reply" '000 ' "$(call api /cp/admin/orgs/acme/redeploy -X POST -H "$admin")"
expect "splash" '200 *<!doctype html>*' "$(call acme /health)"
expect "journal" '*"effect":"redeploy acme"*' "$(curl -s "$control/journal?effects=1")"
fault '{"kind":"network","up":false}'
expect "no network" '000 ' "$(call ref1 /)"
expect "reset" '*"ok":true*' "$(curl -s -X POST "$control/reset")"
expect "green again" '*"green":true*' "$(curl -s "$control/state")"

kill -TERM "$pid"
status=0
wait "$pid" || status=$?
expect "clean end" 0 "$status"
exit $failed
