#!/usr/bin/env bash
# Runs every fuzz target of a build for some seconds each, from seeds where there are any. Stops at the first finding and says how to repeat it.
#   tests/fuzz/run.sh BUILD_DIR [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1
seconds=${2:-30}
work=$build/fuzz-work
mkdir -p "$work"

seeds_of_cases() {  # the requests of the text cases: path, query and Accept, a line each
  local folder=$work/cases number=0 target=
  mkdir -p "$folder"
  while read -r line; do
    case "$line" in
      "GET /dicom-web"*) target=${line#GET /dicom-web} ;;
      "GET /wado"*) target=${line#GET } ;;
      Accept:*) [ -n "$target" ] && printf '%s\n%s\n%s' "${target%%\?*}" "${target#*\?}" "${line#Accept: }" >"$folder/$((number += 1))"; target= ;;
      --*) [ -n "$target" ] && printf '%s\n%s\n' "${target%%\?*}" "${target#*\?}" >"$folder/$((number += 1))"; target= ;;
    esac
  done < <(cat tests/cases/dicomweb/*.case)
  find "$folder" -type f
}

seeds_of_requests() {  # the same as requests with all their fields, behind the byte that says where the target cuts them; and one in chunks
  local folder=$work/requests
  mkdir -p "$folder"
  awk -v folder="$folder" '
    /^== / { file = folder "/" ++number; next }
    /^-- / { if (file) { printf "Host: test\r\n\r\n" >file; close(file) } file = ""; next }
    file && /^[A-Z]+ \// { printf "@%s HTTP/1.1\r\n", $0 >file; next }
    file { printf "%s\r\n", $0 >file }' tests/cases/dicomweb/*.case
  printf ' POST /x?a=%%20b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n' >"$folder/chunked"
  printf ' GET /x HTTP/1.1\r\nHost: test\r\nRange: bytes=0-9,20-,-5\r\n\r\n' >"$folder/range"
  find "$folder" -type f
}

seeds_of_models() {  # DICOM files as DICOM JSON or, with --xml, as Native DICOM Model
  local folder=$work/models$1 number=0
  mkdir -p "$folder"
  seeds_of dicom_reader | while read -r file; do
    number=$((number + 1))
    "$build/tests/codecs/dicom/dicom_json_dump" $1 "$file" >"$folder/$number" || true
  done
  find "$folder" -type f -size -50k ! -exec grep -q '^!' {} \; -print
}

seeds_of_searches() {  # what the tests of searches ask for, without the type
  local folder=$work/searches number=0
  mkdir -p "$folder"
  while read -r query; do
    printf '%s' "$query" >"$folder/$((number += 1))"
  done < <(grep -ohE '"[][A-Za-z_$/.:?-]*=[^" ]+"' tests/fhir/search/*_test.cc tests/fhir/interactions/search*_test.cc | tr -d '"' | sed 's/^[A-Za-z/]*?//' | sort -u)
  find "$folder" -type f
}

seeds_of_patches() {  # the text cases of JSON Patch: resource, NUL, patch
  local folder=$work/patches
  mkdir -p "$folder"
  awk -v folder="$folder" '
    /^== / { file = folder "/" ++number; next }
    /^-- patch$/ { printf "%c", 0 >file; next }
    /^-- / { close(file); file = "" }
    file { print >file }' tests/cases/patch/*.case
  find "$folder" -type f
}

seeds_of_logs() {  # what a store that is killed leaves, behind the byte that says that its checksums are to be made right; and shorter pieces of it
  local folder=$work/logs number=0
  mkdir -p "$folder"
  rm -rf "$folder/store"
  timeout -s KILL 2 "$build/tests/storage/kv/kv_child" "$folder/store" 2 >"$folder/said" || true
  for log in "$folder"/store/db/*.log; do
    for bytes in 3000 40000 120000; do
      { printf '1'; head -c "$bytes" "$log"; } >"$folder/$((number += 1))"
    done
  done
  find "$folder" -maxdepth 1 -type f -name '[0-9]*'
}

seeds_of() {  # folders with inputs of a target's kind
  case "$1" in
    *dicom_reader* | *pixel_instance* | *pixel_presentation*) for folder in ../shared/data/dicom /usr/lib/python3/dist-packages/pydicom/data/test_files; do [ -d "$folder" ] && find "$folder" -name '*.dcm' -size -200k; done ;;
    *dicom_model_json*) seeds_of_models "" ;;
    *dicom_model_xml*) seeds_of_models --xml ;;
    *fhir_json* | *fhir_validate*) [ -d ../shared/data/fhir ] && find ../shared/data/fhir -name '*.json' -size -50k | awk 'NR <= 300' ;;
    *dicomweb_query*) seeds_of_cases ;;
    *fhir_patch*) seeds_of_patches ;;
    *fhir_search*) seeds_of_searches ;;
    *http_request*) seeds_of_requests ;;
    *closed_logs*) seeds_of_logs ;;
  esac
  return 0
}

count=0
for target in $(find "$build" -name '*_fuzz' -type f -executable | sort); do
  name=$(basename "$target")
  mkdir -p "$work/$name/corpus" "$work/$name/findings"
  seeds_of "$name" | while read -r seed; do cp -n "$seed" "$work/$name/corpus/$(echo "$seed" | md5sum | cut -c1-16)" 2>/dev/null || true; done
  echo "== $name, $(ls "$work/$name/corpus" | wc -l) seeds"
  "$target" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2560 -print_final_stats=0 -verbosity=0 \
    -artifact_prefix="$work/$name/findings/" "$work/$name/corpus" || {
    echo "$name found something: repeat with $target $work/$name/findings/*"
    exit 1
  }
  count=$((count + 1))
done
echo "$count targets, nothing found"
