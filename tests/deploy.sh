#!/usr/bin/env bash
# Puts up what was published as docs/DEPLOY.md says, in mode Production, and takes it down again: tests/deploy.sh PUBLISHED FOLDER.
# PUBLISHED is the folder of `dotnet publish`: with a runtime of its own no other is found; without one, `dotnet` of the search path runs it. FOLDER is new, and stays for whoever wants to look.
# The device (unmarked, unlocked by two of three holders), a ceremony that is no demonstration (SM2; witnessed), backups, a PostgreSQL with one role that migrates and one that serves, CA, KMC and
# an OCSP node; then officers at their terminals put an RA and its clerks into office, it starts, and a person gets his pair; each fault that production refuses is tried; nothing here is ours that judges but exit codes and words.
set -euo pipefail

[ "$#" -eq 2 ] || { echo "usage: $0 PUBLISHED FOLDER" >&2; exit 2; }
published=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$2"
cd "$2"
top=$PWD

if [ -x "$published/zwca" ] && [ -e "$published/libcoreclr.so" ]; then
    program=("$published/zwca")
    sim=("$published/hsm-sim/hsm-sim")
else
    program=(dotnet "$published/zwca.dll")
    sim=(dotnet "$published/hsm-sim/hsm-sim.dll")
fi

export ZWCA_HOLDER_PASSWORD=holders-password ZWCA_LINK_PASSWORD=links-password ZWCA_TOKEN_PIN=2468Witness

# No SDK and no runtime but its own. With --become it takes the place of the shell that calls it, which is then the one to signal.
clean() {
    local become=
    [ "$1" != --become ] || { become=exec; shift; }
    $become env -i PATH=/usr/bin:/bin HOME="$top" LANG=C.UTF-8 DOTNET_ROOT=/nonexistent DOTNET_CLI_TELEMETRY_OPTOUT=1 ZWCA_HOLDER_PASSWORD="$ZWCA_HOLDER_PASSWORD" \
        ZWCA_LINK_PASSWORD="$ZWCA_LINK_PASSWORD" ZWCA_TOKEN_PIN="$ZWCA_TOKEN_PIN" ZWCA_SUBSCRIBER_PIN="${ZWCA_SUBSCRIBER_PIN:-}" ZWCA_CA_DATABASE="${ZWCA_CA_DATABASE:-}" ZWCA_KMC_DATABASE="${ZWCA_KMC_DATABASE:-}" \
        ZWCA_Service__Database__ConnectionString="${connection:-}" "$@"
}
zwca() { clean "${program[@]}" "$@"; }
hsm() { clean "${sim[@]}" "$@"; }

running=()
finish() {
    local status=$?
    for ((i = ${#running[@]} - 1; i >= 0; i--)); do
        kill "${running[i]}" 2> /dev/null || true
        wait "${running[i]}" 2> /dev/null || true
    done
    [ ! -d "$top/postgres/data" ] || bash "$here/tests/postgres.sh" stop "$top/postgres" || true
    [ "$status" -eq 0 ] || { echo "FAILED; the last of the logs:"; tail -n 5 "$top"/*.log 2> /dev/null; } >&2
}
trap finish EXIT

step() { echo "== $*"; }
die() { echo "$*" >&2; exit 1; }

# What has to fail, with exit code 1, and say why.
refused() {
    local said=$1 output
    shift
    if output=$("$@" 2>&1); then die "not refused: $*"; fi
    grep -qF -- "$said" <<< "$output" || die "refused, but not because of \"$said\": $output"
}

# No certificate of a system that is no demonstration is for loopback: this machine's own address, which nothing beyond it has to reach.
host=$(hostname -I | tr ' ' '\n' | grep -m1 -E '^[0-9]+(\.[0-9]+){3}$') || die "this machine has no IPv4 address but loopback"

# A port that nobody has, one after the other.
port=$((20000 + RANDOM % 10000))
next_port() {
    while ss -ltn "sport = :$port" 2> /dev/null | grep -q LISTEN; do port=$((port + 1)); done
    eval "$1=$port"
    port=$((port + 1))
}
next_port hsm_port; next_port ca_port; next_port ca_health; next_port kmc_port; next_port kmc_health; next_port ocsp_port; next_port ocsp_health; next_port crl_port; next_port ra_port; next_port ra_health; next_port tracking_port

# Waits for /health/ready of a management port: 200 is healthy or degraded.
ready() {
    local name=$1 at=$2
    for _ in $(seq 1 600); do
        [ "$(curl -s -o "$top/$name.ready" -w '%{http_code}' "http://127.0.0.1:$at/health/ready" || true)" != 200 ] || return 0
        kill -0 "${running[-1]}" 2> /dev/null || die "$name has ended"
        sleep 0.2
    done
    die "$name did not get ready: $(cat "$top/$name.ready")"
}
start() {
    local role=$1 config=$2
    clean --become "${program[@]}" up --role "$role" --config "$config" > "$top/$role.log" 2>&1 &
    running+=($!)
}

step "the device: a store with five partitions, three holders, any two open one"
holders=()
for name in zhao qian sun; do
    hsm holder new --out $name.pem > $name.pub
    holders+=(--holder "$name=$(cat $name.pub)")
done
mkdir -p anchors
chmod 700 anchors
for partition in root ca kmc service ra; do
    hsm init --store store --anchor anchors/hsm --partition $partition --threshold 2 "${holders[@]}" > /dev/null
done
cat > hsm.json <<JSON
{"Mode": "Production", "Store": "$top/store", "Anchor": "$top/anchors/hsm", "Listen": "127.0.0.1:$hsm_port"}
JSON
zwca up --role hsm-sim --config hsm.json check-config
chmod 750 store
refused "is open to others" zwca up --role hsm-sim --config hsm.json check-config
refused "is open to others" zwca up --role hsm-sim --config hsm.json
chmod 700 store
start hsm-sim hsm.json
at=(--connect "127.0.0.1:$hsm_port" --clients store/clients/console)
for _ in $(seq 1 300); do ! grep -q listening hsm-sim.log || break; sleep 0.1; done
refused "in use" zwca up --role hsm-sim --config hsm.json check-config
for partition in root ca kmc service ra; do
    for name in zhao qian; do hsm unlock "${at[@]}" --partition $partition --key $name.pem > /dev/null; done
done
hsm status "${at[@]}" | tee status.txt

step "the ceremony, which is no demonstration"
for witness in 1 2; do
    zwca token init --token witness-$witness --label "见证人$witness" > /dev/null
    zwca token csr --token witness-$witness --container witness --kind sm2 --subject "CN=见证人$witness,C=CN" --out witness-$witness.csr > /dev/null
    openssl req -in witness-$witness.csr -noout -pubkey | openssl pkey -pubin -outform DER | tail -c 65 | od -An -tx1 | tr -d ' \n' > witness-$witness.pub
done
mkdir -p requests officers
# A token with both keys, and its requests: token NAME REQUEST LINK-REQUEST.
token() {
    zwca token init --token "officers/$1" --label "$1" > /dev/null
    zwca token csr --token "officers/$1" --container officer --kind sm2 --subject "CN=$1" --out "$2" > /dev/null
    zwca token csr --token "officers/$1" --container link --kind p256 --subject "CN=$1" --out "$3" > /dev/null
}
for officer in ca-super ca-audit kmc-super kmc-audit; do
    token $officer $officer.csr $officer-link.csr
    for each in $officer $officer-link; do openssl req -in $each.csr -outform DER -out requests/$each.csr; done
done
python3 - "$here/docs/ceremony/plan.json" "$top" "127.0.0.1:$hsm_port" "http://pki.zwca.test" "$host" <<'PYTHON'
import json, subprocess, sys
source, top, device, base, host = sys.argv[1:]
plan = json.loads(open(source, encoding="utf-8").read().replace(" 演示 DEMO", "").replace("（演示）", ""))
plan["demo"], plan["baseUrl"], plan["policyArc"] = False, base, "1.2.156.999999.1"
plan["witnesses"] = [{"name": f"见证人{i}", "publicKey": open(f"{top}/witness-{i}.pub").read().strip()} for i in (1, 2)]
serials = {line.split()[0]: line.split()[1] for line in open(f"{top}/status.txt", encoding="utf-8").read().splitlines()[1:]}
for each in plan["devices"]:
    each.update(endpoint=device, serial=serials[each["partition"]], client=f"{top}/store/clients/{each['partition']}")
    if "console" in each:
        each["console"] = f"{top}/store/clients/console"
rsa = {"root-r1", "issuing-r1", "ocsp-r1", "root-r1-by-s1", "root-s1-by-r1", "arl-root-r1", "crl-issuing-r1"}
# Outside a demonstration nobody is called localhost.
for each in plan["certificates"]:
    if "names" in each:
        each["names"] = [f"ip:{host}"]
for key in ("keys", "certificates", "crls"):
    plan[key] = [each for each in plan[key] if each["id"] not in rsa]
for each in plan["certificates"]:
    if "request" in each:
        file = f"{top}/{each['request']['file']}"
        key = subprocess.run(["openssl", "req", "-in", file, "-inform", "DER", "-noout", "-pubkey"], capture_output=True, check=True).stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True, check=True).stdout
        each["request"]["fingerprint"] = subprocess.run(["openssl", "dgst", "-sm3", "-r"], input=der, capture_output=True, check=True).stdout.decode().split()[0]
for each in plan["services"]:
    each["database"] = "postgreSql"
json.dump(plan, open(f"{top}/plan.json", "w", encoding="utf-8"), ensure_ascii=False, indent=1)
people = {"wei-zheng": ("魏征", "110101197001010016"), "bao-zheng": ("包拯", "110101197001010024"), "di-renjie": ("狄仁杰", "110101197001010032"), "hai-rui": ("海瑞", "110101197001010040")}
json.dump({key: {"name": name, "idNumber": number} for key, (name, number) in people.items()}, open(f"{top}/persons.json", "w", encoding="utf-8"), ensure_ascii=False)
PYTHON
# PostgreSQL: databases whose owner migrates, and a role for each service.
owner=$(bash "$here/tests/postgres.sh" start "$top/postgres")
sql() { psql -q -v ON_ERROR_STOP=1 -h "$top/postgres" -U zwca -d "$1" -c "$2"; }
for service in ca kmc ra; do
    sql postgres "CREATE ROLE \"zwca-$service-owner\" LOGIN"
    sql postgres "CREATE ROLE \"zwca-$service\" LOGIN"
    sql postgres "CREATE DATABASE zwca_$service OWNER \"zwca-$service-owner\" ENCODING 'UTF8' TEMPLATE template0"
    sql postgres "REVOKE ALL ON DATABASE zwca_$service FROM PUBLIC"
    sql postgres "GRANT CONNECT ON DATABASE zwca_$service TO \"zwca-$service\""
done
as() { echo "Host=$top/postgres;Database=zwca_$1;Username=$2"; }
ZWCA_CA_DATABASE=$(as ca zwca-ca-owner)
ZWCA_KMC_DATABASE=$(as kmc zwca-kmc-owner)
hash=$(zwca ceremony check plan.json | grep -oE '[0-9a-f]{64}' | tail -1)
status=0
zwca ceremony run plan.json --out ceremony-1 --confirm "$hash" > ceremony.log 2>&1 || status=$?
[ "$status" -eq 3 ] || die "the ceremony ended with $status instead of 3: $(tail -5 ceremony.log)"
for name in zhao qian; do hsm sign --key $name.pem --in ceremony-1/policy/kmc.der --out ceremony-1/policy/kmc-$name.sig > /dev/null; done
zwca ceremony run plan.json --out ceremony-1 --confirm "$hash" >> ceremony.log 2>&1
for witness in 1 2; do
    zwca token sign --yes --token witness-$witness --statement ceremony-1/transcript.json --out "ceremony-1/signatures/见证人$witness.sig" > /dev/null
done
zwca ceremony verify ceremony-1 | tail -1

step "configurations, tables, rights"
zwca ceremony configure ceremony-1 --service ca --to ca --listen "$host:$ca_port" --management "127.0.0.1:$ca_health" --key-centre "https://$host:$kmc_port" > /dev/null
zwca ceremony configure ceremony-1 --service kmc --to kmc --listen "$host:$kmc_port" --management "127.0.0.1:$kmc_health" > /dev/null
zwca ceremony configure ceremony-1 --service ocsp-1 --to ocsp-1 --ca "https://$host:$ca_port" --listen "127.0.0.1:$ocsp_port" --management "127.0.0.1:$ocsp_health" > /dev/null
sed -i "s|\"Crls\": {|\"Crls\": { \"Listen\": \"127.0.0.1:$crl_port\",|" ca/ca.json
for service in ca kmc; do
    connection=$(as $service zwca-$service-owner)
    zwca up --role $service --config $service/$service.json migrate -- --grant zwca-$service | tail -1
done

step "production refuses keys that no backup has; then each partition gets one"
connection=$(as ca zwca-ca)
refused "backup" zwca up --role ca --config ca/ca.json check-config
backup() {
    hsm backup draft "${at[@]}" --partition $1 --out $1.order > /dev/null
    for name in zhao qian; do hsm sign --key $name.pem --in $1.order --out $1-$name.sig > /dev/null; done
    hsm backup make "${at[@]}" --partition $1 --statement $1.order --signature $1-zhao.sig --signature $1-qian.sig --out $1.backup > /dev/null
}
for partition in root ca kmc service; do backup $partition; done
hsm status "${at[@]}" | cut -c1-120

step "what is looked at before the start"
connection=$(as ca zwca-ca)
zwca up --role ca --config ca/ca.json import ceremony-1
zwca up --role ca --config ca/ca.json check-config
connection=$(as kmc zwca-kmc)
zwca up --role kmc --config kmc/kmc.json check-config
zwca up --role ocsp --config ocsp-1/ocsp.json check-config

step "what production refuses"
connection=$(as ca zwca-ca-owner)_gone refused "FAILED database" zwca up --role ca --config ca/ca.json check-config
connection=$(as ca zwca-ca)
ZWCA_LINK_PASSWORD=another-password refused "FAILED link certificate" zwca up --role ca --config ca/ca.json check-config
sed 's|"PasswordVariable": "ZWCA_LINK_PASSWORD",||' ca/ca.json > ca-open.json
refused "link" zwca up --role ca --config ca-open.json check-config
sed '/"Serial"/d' ca/ca.json > ca-unpinned.json
refused "Ca:Hsm:Serial is not set" zwca up --role ca --config ca-unpinned.json check-config
chmod 640 ca/link.key
refused "FAILED link certificate" zwca up --role ca --config ca/ca.json check-config
chmod 600 ca/link.key

step "the services start, and the doctor finds nothing bad"
connection=$(as kmc zwca-kmc); start kmc kmc/kmc.json; ready kmc "$kmc_health"
connection=$(as ca zwca-ca); start ca ca/ca.json; ready ca "$ca_health"
refused "Service:Management: 127.0.0.1:$ca_health cannot be listened on" zwca up --role ca --config ca/ca.json check-config
connection=; start ocsp ocsp-1/ocsp.json; ready ocsp "$ocsp_health"
status=0
for _ in $(seq 1 30); do
    status=0
    zwca doctor --trust ceremony-1 --url "http://127.0.0.1:$crl_port" --management "http://127.0.0.1:$ca_health" --management "http://127.0.0.1:$kmc_health" --management "http://127.0.0.1:$ocsp_health" \
        --ocsp "http://127.0.0.1:$ocsp_port/ocsp" --log ca/log.anchor > doctor.txt 2>&1 || status=$?
    [ "$status" -gt 1 ] || break
    sleep 2
done
grep -vE '^ *ok' doctor.txt || true
[ "$status" -le 1 ] || die "the doctor says $status"

step "officers at their terminals: a province, the RA and its clerk, each decision by two"
# As commands name a service: name SECTION FILE.
name() { python3 -c 'import json, sys; print(json.load(open(sys.argv[2], encoding="utf-8"))[sys.argv[1]]["Name"])' "$1" "$2"; }
ca_name=$(name Ca ca/ca.json)
# Where an officer works: desk OFFICER [PORT RECIPIENT NAME].
desk() {
    cat > "desk-$1.json" <<JSON
{"address": "https://$host:${2:-$ca_port}", "recipient": "${3:-ca}", "service": "${4:-$ca_name}", "systemCaFile": "ceremony-1/trust/system.pem", "token": "officers/$1"}
JSON
}
# Proposed by one, approved by another: decide PROPOSER APPROVER FILE; the commands' ids are left in ids.
decide() {
    zwca command propose "$3" --config "desk-$1.json" --yes > propose.txt
    mapfile -t ids < <(sed -nE 's/^\[[0-9]+\] 编号 ([0-9a-f]{32}).*/\1/p' propose.txt)
    zwca command approve "${ids[@]}" --config "desk-$2.json" --yes > approve.txt
}
fetch() { zwca command show "$1" --config "desk-$2.json" --out "$3" > /dev/null; }
for officer in ca-super ca-audit kmc-super kmc-audit; do
    zwca token import --token officers/$officer --certificate ceremony-1/officers/$officer.pem > /dev/null
    zwca token import --token officers/$officer --certificate ceremony-1/officers/$officer-link.pem > /dev/null
    case $officer in
        ca-*) desk $officer ;;
        *) desk $officer "$kmc_port" kmc "$(name Kmc kmc/kmc.json)" ;;
    esac
done
cat > serve.json <<JSON
{"action": "ca.register", "name": "$ca_name", "certificate": "ceremony-1/ca/ca-message.pem", "link": "ca"}
JSON
decide kmc-super kmc-audit serve.json
zwca command directory cas --config desk-kmc-super.json
# One by one, so that a refusal says which.
cat > province.json <<'JSON'
[
  {"action": "region.register", "code": "350000", "parent": "000000", "name": "某省"},
  {"action": "region.register", "code": "350100", "parent": "350000", "name": "甲市"},
  {"action": "profile.activate", "profile": "ra-system"},
  {"action": "profile.activate", "profile": "person-signing"},
  {"action": "profile.activate", "profile": "person-encryption"}
]
JSON
zwca command propose province.json --config desk-ca-super.json --yes > propose.txt
mapfile -t ids < <(sed -nE 's/^\[[0-9]+\] 编号 ([0-9a-f]{32}).*/\1/p' propose.txt)
[ "${#ids[@]}" -eq 5 ] || die "another number of commands than five: $(cat propose.txt)"
refused "无权作此审批" zwca command approve "${ids[0]}" --config desk-ca-super.json --yes
zwca command approve "${ids[@]}" --config desk-ca-audit.json --yes > approve.txt
refused "不能批准" zwca command approve "${ids[0]}" --config desk-ca-audit.json --yes

# An office: officer NAME NUMBER ROLE REGION PROPOSER APPROVER.
officer() {
    local name=$1 role=$3 region=$4 proposer=$5 approver=$6 person order link
    person=$(zwca command person --name "$name" --config "desk-$proposer.json" <<< "$2" | grep -oE '[0-9a-f]{32}')
    token "$name" "$name.csr" "$name-link.csr"
    cat > "$name.json" <<JSON
[
  {"action": "certificate.order", "region": "$region", "certificate": {
    "profile": "officer", "issuer": "ceremony-1/ca/ops-s1.pem", "entity": "$person", "request": "$name.csr", "subject": "serialNumber=$person,CN=$name,O=某省密码管理局", "days": 365,
    "officer": {"person": "$person", "role": "$role", "region": "$region"}}},
  {"action": "client.register", "region": "$region", "client": "$person", "kind": "officer", "certificate": {
    "profile": "officer-link", "issuer": "ceremony-1/trust/system.pem", "entity": "$person", "request": "$name-link.csr", "subject": "serialNumber=$person,CN=$name,O=某省密码管理局", "days": 90}}
]
JSON
    decide "$proposer" "$approver" "$name.json"
    order=${ids[0]} link=${ids[1]}
    fetch "$order" "$proposer" "$name.pem"
    fetch "$link" "$proposer" "$name-link.pem"
    echo '{"action": "officer.create", "certificate": "'"$name.pem"'"}' > "$name-office.json"
    decide "$proposer" "$approver" "$name-office.json"
    zwca token import --token "officers/$name" --certificate "$name.pem" > /dev/null
    zwca token import --token "officers/$name" --certificate "$name-link.pem" > /dev/null
    desk "$name"
}
officer 房玄龄 110101197001010059 业务管理员 350000 ca-super ca-audit
officer 李四 110101197001010075 业务操作员 350000 房玄龄 ca-super
officer 王五 110101197001010083 业务操作员 350000 房玄龄 ca-super
zwca command directory officers --config desk-ca-audit.json
zwca command directory profiles --config desk-ca-audit.json > /dev/null

step "the RA: keys, requests, registration, certificates, configuration, tables, backup, start"
mkdir -p papers
serial=$(awk '$1 == "ra" { print $2 }' status.txt)
cat > papers/ra-35.json <<JSON
{
  "name": "ra-35", "region": "350000", "database": "postgreSql", "tracking": "127.0.0.1:$tracking_port",
  "device": {"id": "ra-35", "endpoint": "127.0.0.1:$hsm_port", "partition": "ra", "serial": "$serial", "client": "$top/store/clients/ra"},
  "profiles": {"person": {"Title": "个人双证书", "Subscriber": "Person", "Certificate": "person-signing", "Encryption": "person-encryption", "Issuer": "issuing-s1", "Days": 365}}
}
JSON
zwca ceremony request ceremony-1 --ra papers/ra-35.json > /dev/null
backup ra
cat > papers/register.json <<'JSON'
{"action": "ra.register", "name": "ra-35", "entity": "RA-350000-2026-0001-01", "region": "350000", "quota": 1000000, "scope": [
  {"profile": "person-signing", "issuer": "../ceremony-1/ca/issuing-s1.pem"}, {"profile": "person-encryption", "issuer": "../ceremony-1/ca/issuing-s1.pem"}]}
JSON
cat > papers/certificates.json <<'JSON'
[
  {"action": "certificate.order", "region": "350000", "certificate": {
    "profile": "ra-system", "issuer": "../ceremony-1/ca/ops-s1.pem", "entity": "RA-350000-2026-0001-01", "request": "message.csr", "subject": "serialNumber=RA-350000-2026-0001-01,CN=ra-35,O=某省密码管理局", "days": 365}},
  {"action": "client.register", "region": "350000", "client": "ra-35", "kind": "ra", "certificate": {
    "profile": "link", "issuer": "../ceremony-1/trust/system.pem", "entity": "ra-35", "request": "link.csr", "subject": "CN=ra-35,O=某省密码管理局", "days": 90, "names": ["dns:ra-35.zwca.internal"]}}
]
JSON
decide 房玄龄 ca-super papers/register.json
decide 房玄龄 ca-super papers/certificates.json
fetch "${ids[0]}" ca-audit papers/message.pem
fetch "${ids[1]}" ca-audit papers/link.pem
openssl verify -CAfile ceremony-1/trust/system.pem -purpose sslserver papers/link.pem > /dev/null
zwca ceremony configure ceremony-1 --service ra --ra papers/ra-35.json --ca "https://$host:$ca_port" --listen "$host:$ra_port" --management "127.0.0.1:$ra_health" --to ra > /dev/null
connection=$(as ra zwca-ra-owner)
zwca up --role ra --config ra/ra.json migrate -- --grant zwca-ra | tail -1
connection=$(as ra zwca-ra)
zwca up --role ra --config ra/ra.json check-config
start ra ra/ra.json
ready ra "$ra_health"
connection=
for officer in 李四 王五; do
    cat > "desk-ra-$officer.json" <<JSON
{"address": "https://ra-35.zwca.internal:$ra_port", "at": "$host:$ra_port", "recipient": "ra-35", "systemCaFile": "ceremony-1/trust/system.pem", "token": "officers/$officer"}
JSON
done
ra() { zwca ra "${@:2}" --config "desk-ra-$1.json"; }
ra 李四 profiles

step "from the counter to the token"
export ZWCA_SUBSCRIBER_PIN=$ZWCA_TOKEN_PIN
person=$(ra 李四 subscriber add --kind person --region 350100 --name 钱七 --json <<< 110101197001010091 | grep -oE '"id": "[0-9a-f]{32}"' | cut -d'"' -f4)
zwca token init --token applicant --label 钱七 > /dev/null
zwca token csr --token applicant --container 签名 --kind sm2 --subject CN=钱七 --out applicant.csr > /dev/null
ra 李四 submit --kind new --region 350100 --profile person --subscriber "$person" --csr applicant.csr --yes
enrollment=$(ra 王五 list --state submitted --json | grep -oE '"id": "[0-9a-f]{32}"' | cut -d'"' -f4)
refused "不能审核本人录入的业务" ra 李四 review "$enrollment" --approve --yes
ra 王五 review "$enrollment" --approve --yes > /dev/null
for _ in $(seq 1 60); do ra 王五 show "$enrollment" | grep -q '待领取' && break; sleep 1; done
ra 李四 deliver "$enrollment" --subscriber-token applicant
zwca token list --token applicant

step "a role that serves may not change the log"
if psql -q -h "$top/postgres" -U zwca-ca -d zwca_ca -c 'DELETE FROM audit_event' 2> psql.txt; then die "the log could be emptied"; fi
grep -q "permission denied" psql.txt || die "$(cat psql.txt)"

step "they end in order, newest first"
for ((i = ${#running[@]} - 1; i >= 0; i--)); do
    kill -TERM "${running[i]}"
    status=0
    wait "${running[i]}" || status=$?
    [ "$status" -eq 0 ] || die "one ended with $status"
done
running=()
echo "deployed in mode Production, looked at, and ended"
