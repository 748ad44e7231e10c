"""The published files over HTTP, from `grx serve` and from nginx: the same bytes, conditions, ranges, encodings."""

import gzip
import hashlib
import json
from urllib.parse import quote

import pytest
from support.published_site import EARLIER, LATEST
from support.report_session import LONE, ODD, PATHS_OF, PLAIN, TRACED
from support.served_site import Servers, problem
from support.servers import ask

# What the specification names, with the file that answers it.
SPECIFIED = {
    "drivers": "drivers",
    f"laps/{PLAIN}": f"laps/{PLAIN}",
    f"telemetry/{PLAIN}/{TRACED[0]}": f"telemetry/{PLAIN}/{TRACED[0]}",
    f"ml/dptad/analyze/{PLAIN}": f"ml/dptad/analyze/{PLAIN}",
    f"ml/siwtl/calculate/{LONE}": f"ml/siwtl/calculate/{LONE}",
    f"compare/{PLAIN}/{LONE}": f"compare/{PLAIN}/{LONE}",
    "fleet/summary": "fleet/summary",
    f"laps/{quote(PATHS_OF[ODD], safe='')}": f"laps/{PATHS_OF[ODD]}",
}


@pytest.mark.parametrize("path", SPECIFIED)
def test_every_path_of_the_specification_is_the_published_file_from_both_servers(servers: Servers, path: str) -> None:
    for prefix, session in (("/api", LATEST), (f"/api/sessions/{EARLIER}", EARLIER)):
        expected = servers.file(f"{session}/api/{SPECIFIED[path]}.json")
        for port in (servers.grx, servers.nginx):
            answer = ask(port, f"{prefix}/{path}")
            assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.body == expected
    assert json.loads(expected)["session"] == EARLIER


def test_pages_and_all_they_load_are_the_same_from_both_servers(servers: Servers) -> None:
    manifest = json.loads(servers.file(f"{LATEST}/manifest.json"))
    names = [f"{LATEST}/{name}" for name in (*manifest["files"], "manifest.json")]
    for path in (
        *map(quote, names),
        "",
        f"{LATEST}/",
        "docs",
        "redoc",
        "openapi.json",
        "api/sessions",
        "api/season",
        "manifest.json",
    ):
        for encoding in ("identity", "gzip"):
            ours, theirs = (ask(port, f"/{path}", accept_encoding=encoding) for port in (servers.grx, servers.nginx))
            assert (ours.status, ours.body) == (theirs.status, theirs.body) == (200, ours.body), path
            for header in ("content-type", "cache-control", "content-encoding", "x-content-type-options"):
                assert ours.headers.get(header) == theirs.headers.get(header), (path, header)


def test_a_car_may_be_named_by_its_vehicle_id_though_its_files_are_called_otherwise(servers: Servers) -> None:
    answer = ask(servers.grx, f"/api/laps/{quote(ODD, safe='')}")
    assert answer.body == servers.file(f"{LATEST}/api/laps/{PATHS_OF[ODD]}.json")
    both = ask(servers.grx, f"/api/compare/{quote(ODD, safe='')}/{PLAIN}")
    assert both.body == servers.file(f"{LATEST}/api/compare/{PATHS_OF[ODD]}/{PLAIN}.json")


def test_the_latest_session_is_that_of_the_latest_race_not_of_the_latest_build(servers: Servers) -> None:
    assert json.loads(ask(servers.grx, "/api/sessions").body)["data"]["latest"] == LATEST
    assert json.loads(ask(servers.grx, "/healthz").body) == {
        "status": "ok",
        "sessions": 2,
        "latest": LATEST,
        "chat": "model",
    }
    assert json.loads(ask(servers.nginx, "/healthz").body)["latest"] == LATEST


def test_a_folder_without_its_slash_leads_to_the_one_with_it(servers: Servers) -> None:
    for port in (servers.grx, servers.nginx):
        answer = ask(port, f"/{LATEST}")
        assert answer.status in (301, 308)
        assert answer.headers["location"] == f"/{LATEST}/"


def test_a_known_file_is_not_sent_again(servers: Servers) -> None:
    path = "/api/drivers"
    for encoding in ("gzip", "identity"):
        first = ask(servers.grx, path, accept_encoding=encoding)
        digest = hashlib.sha256(servers.file(f"{LATEST}/api/drivers.json")).hexdigest()
        assert first.headers["etag"].strip('"').removesuffix("-gz") == digest[:32]
        for known in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
            again = ask(servers.grx, path, accept_encoding=encoding, if_none_match=known)
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
        other = ask(servers.grx, path, accept_encoding=encoding, if_none_match='"0123"')
        assert (other.status, other.body) == (200, first.body)


def test_compressed_and_plain_answers_hold_the_same_and_say_that_they_vary(servers: Servers) -> None:
    plain, packed = (ask(servers.grx, "/api/drivers", accept_encoding=e) for e in ("gzip;q=0, br", "br, gzip;q=0.5"))
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body)
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] != packed.headers["etag"]


@pytest.mark.parametrize(
    ("header", "is_packed"),
    [
        ("gzip", True),
        ("GZIP;q=0.001", True),
        ("*", True),
        ("gzip, deflate, br, zstd", True),
        ("", False),
        ("deflate, br", False),
        ("*;q=0", False),
        ("gzip;level=9;q=0", False),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0, gzip", True),
    ],
)
def test_what_a_reader_accepts_decides_the_encoding(servers: Servers, header: str, is_packed: bool) -> None:
    answer = ask(servers.grx, "/api/drivers", accept_encoding=header)
    assert answer.headers.get("content-encoding") == ("gzip" if is_packed else None)


def test_nginx_says_that_its_answers_vary_with_the_encoding(servers: Servers) -> None:
    for encoding in ("gzip", "identity"):
        assert ask(servers.nginx, "/api/drivers", accept_encoding=encoding).headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-9", slice(0, 10)),
        ("bytes=5-", slice(5, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=0-0", slice(0, 1)),
    ],
)
def test_a_part_of_a_file(servers: Servers, header: str, part: slice) -> None:
    whole = servers.file(f"{LATEST}/api/drivers.json")
    for port in (servers.grx, servers.nginx):
        answer = ask(port, "/api/drivers", range=header, accept_encoding="gzip") if port == servers.grx else None
        answer = answer or ask(port, "/api/drivers", range=header)
        assert (answer.status, answer.body) == (206, whole[part])
        start = part.indices(len(whole))[0]
        assert answer.headers["content-range"] == f"bytes {start}-{start + len(answer.body) - 1}/{len(whole)}"


def test_ranges_that_cannot_be_met_or_are_of_other_content(servers: Servers) -> None:
    whole = servers.file(f"{LATEST}/api/drivers.json")
    outside = ask(servers.grx, "/api/drivers", range=f"bytes={len(whole)}-")
    assert (outside.status, outside.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    assert problem(outside)["detail"] == f"The file has {len(whole)} bytes."
    for header in ("bytes=9-5", "bytes=9-5,1-2", "lines=1-2", "bytes=-", "bytes=a-b"):
        assert ask(servers.grx, "/api/drivers", range=header).body == whole
    assert ask(servers.grx, "/api/drivers", range="BYTES=0-9").body == whole[:10]
    changed = ask(servers.grx, "/api/drivers", range="bytes=0-9", if_range='"of another build"')
    assert (changed.status, changed.body) == (200, whole)
    tag = ask(servers.grx, "/api/drivers", accept_encoding="identity").headers["etag"]
    assert ask(servers.grx, "/api/drivers", range="bytes=0-9", if_range=tag).status == 206


@pytest.mark.parametrize("path", ["/", "/api/drivers", "/docs", f"/{LATEST}/index.html", "/healthz", "/api/nothing"])
def test_head_is_get_without_its_body(servers: Servers, path: str) -> None:
    head, get = ask(servers.grx, path, "HEAD"), ask(servers.grx, path)
    assert (head.status, head.body) == (get.status, b"")
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


def test_hashed_files_are_kept_for_good_and_all_others_asked_for_each_time(servers: Servers) -> None:
    names = json.loads(servers.file(f"{LATEST}/manifest.json"))["files"]
    hashed = next(name for name in names if name.startswith("assets/") and name.endswith(".css"))
    assert ask(servers.grx, f"/{LATEST}/{hashed}").headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("/", "/api/drivers", f"/{LATEST}/manifest.json"):
        assert ask(servers.grx, path).headers["cache-control"] == "max-age=0, must-revalidate"


def test_errors_are_problem_details(servers: Servers) -> None:
    for path in ("/nothing", "/api/laps/nobody", f"/api/telemetry/{PLAIN}/99", "/api/sessions/none-2025-r1/drivers"):
        assert problem(ask(servers.grx, path))["title"] == "Not Found"
    assert problem(ask(servers.nginx, "/nothing"))["title"] == "Not Found"
    for lap in ("x", "0", "1.5", "-1", "%2e"):
        assert ask(servers.grx, f"/api/telemetry/{PLAIN}/{lap}").status in (404, 422)
    assert problem(ask(servers.grx, f"/api/telemetry/{PLAIN}/x"))["status"] == 422


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
def test_the_site_can_only_be_read(servers: Servers, method: str) -> None:
    for path in ("/", "/api/drivers", f"/{LATEST}/index.html", "/manifest.json"):
        answer = ask(servers.grx, path, method, body=b"{}")
        assert problem(answer)["status"] == 405
        assert "GET" in answer.headers["allow"]
    assert ask(servers.grx, "/api/ai/chat").headers["allow"] == "POST"


def test_other_sites_may_read_the_api_errors_too_but_put_no_questions(servers: Servers) -> None:
    for port in (servers.grx, servers.nginx):
        for path in ("/api/drivers", f"/{LATEST}/api/drivers.json", "/openapi.json", "/api/laps/nobody"):
            assert ask(port, path).headers["access-control-allow-origin"] == "*", path
        preflight = ask(port, "/api/drivers", "OPTIONS", origin="https://team.example")
        assert (preflight.status, preflight.body) == (204, b"")
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert "If-None-Match" in preflight.headers["access-control-allow-headers"]
        for path in ("/", "/api/ai/chat", "/healthz"):
            assert "access-control-allow-origin" not in ask(port, path, "OPTIONS").headers, path
        asked = ask(port, "/api/ai/chat", "POST", body=b'{"message": "Who won?"}', content_type="application/json")
        assert asked.status == 200
        assert "access-control-allow-origin" not in asked.headers
    for path in (f"/api/telemetry/{PLAIN}/x", "/api/nothing"):
        assert ask(servers.grx, path).headers["access-control-allow-origin"] == "*"
    assert ask(servers.grx, "/api/drivers", "POST").headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path", ["/nothing.json", "/api/laps/nobody.json", f"/{LATEST}/drivers/", "/.site/manifest.json"]
)
def test_what_is_not_there_is_a_problem_from_both_servers(servers: Servers, path: str) -> None:
    for port in (servers.grx, servers.nginx):
        assert problem(ask(port, path))["status"] == 404
    assert problem(ask(servers.nginx, "/api/drivers.json", "POST"))["status"] == 405


def test_latest_names_the_latest_session_wherever_a_session_is_named(servers: Servers) -> None:
    for port in (servers.grx, servers.nginx):
        assert ask(port, "/api/sessions/latest/drivers").body == servers.file(f"{LATEST}/api/drivers.json")
