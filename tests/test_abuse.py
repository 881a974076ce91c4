"""Abuse, line by line: COVERED names the tests of each line of the threat model, and what had none has it below.

Lines stand in the order of the model. Most tests live beside what they test; a table that names a test which is not
there fails.
"""

import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask, url_for
from sqlalchemy import select

from feedback.logs import Lines, escaped
from feedback.models import Comment
from tests.cast import KEY, SLUG, Reader
from tests.conftest import SECRET
from tests.server import PATIENCE, Server, Start, free_port

COVERED = {
    "a reader is a token, a network a keyed hash": [
        "test_privacy::test_a_reader_is_a_hash_of_token_and_site",
        "test_privacy::test_a_networks_hash_has_a_random_key_of_the_day",
        "test_limits::test_a_network_is_a_24_or_a_64",
    ],
    "the address comes from trusted proxies, never from a header by itself": [
        "test_limits::test_only_as_many_proxies_are_believed_as_are_trusted",
        "test_limits::test_a_forged_header_makes_no_new_network",
        "test_limits::test_a_trusted_proxy_names_the_network",
    ],
    "votes 30 a minute and 200 a day": [
        "test_limits::test_a_network_votes_thirty_times_a_minute",
        "test_limits::test_a_reader_votes_thirty_times_a_minute_from_wherever",
        "test_limits::test_what_fits_in_every_minute_does_not_fit_in_the_day",
    ],
    "comments 3 a minute and 30 a day": [
        "test_limits::test_a_network_comments_three_times_a_minute",
        "test_limits::test_a_reader_comments_three_times_a_minute_from_wherever",
        "test_limits::test_what_fits_in_every_minute_does_not_fit_in_the_day",
        "test_limits::test_a_submission_sent_again_is_no_further_comment",
        "test_pages::test_a_limit_is_explained_and_keeps_the_text",
    ],
    "flags 10 a minute": [
        "test_flags::test_a_network_and_a_reader_flag_ten_times_a_minute",
        "test_flags::test_a_network_counts_once_a_comment",
    ],
    "likes 30 a minute and 200 a day, changes 5 a minute and 60 a day, previews 30 a minute": [
        "test_likes::test_a_reader_likes_thirty_times_a_minute",
        "test_amending::test_a_reader_changes_five_times_a_minute",
        "test_amending::test_a_network_previews_thirty_times_a_minute",
    ],
    "nobody has us mail strangers: one question a day for an address and site, after moderation": [
        "test_subscriptions::test_the_question_goes_out_once_the_comment_is_published",
        "test_subscriptions::test_an_address_is_asked_once_a_day_and_site",
        "test_subscriptions::test_an_address_is_given_five_times_a_day",
        "test_subscriptions::test_following_the_link_changes_nothing_and_the_button_confirms",
    ],
    "sign-in: 5 an account and network, 20 a network, 50 an account": [
        "test_account::test_five_wrong_passwords_close_the_account_to_that_network",
        "test_account::test_twenty_wrong_passwords_close_every_account_to_that_network",
        "test_account::test_fifty_wrong_passwords_from_anywhere_close_the_account",
    ],
    "links for a forgotten password: 5 an hour, for an account and from a network": [
        "test_notices::test_a_mailbox_is_not_filled_by_strangers",
    ],
    "wrong codes of a second factor: 5 an account": [
        "test_second_factor::test_five_wrong_codes_close_the_step_of_that_account_alone",
    ],
    "all writes 20 a second": [
        "test_limits::test_a_network_writes_twenty_times_a_second",
        "test_limits::test_every_write_there_is_counts_among_the_twenty",
        "test_limits::test_other_networks_write_on",
    ],
    "reads are not limited": ["test_limits::test_reading_is_not_limited"],
    "in memory each process counts for itself, in a store all count as one": [
        "test_limits::test_without_a_shared_store_each_process_counts_for_itself",
        "test_limits::test_with_a_shared_store_processes_count_as_one",
    ],
    "keys in the store are hashes": ["test_limits::test_the_store_sees_hashes_and_forgets_them"],
    "the shared store down: local memory, never unlimited": [
        "test_limits::test_a_store_that_fails_under_traffic_lifts_no_limit_and_answers_no_error",
        "test_limits::test_while_the_store_is_down_each_process_counts_alone",
        "test_limits::test_a_store_that_was_never_there_is_no_fault",
        "test_limits::test_the_store_is_asked_again_when_it_is_back",
    ],
    "a crowd's votes are quarantined, unless a proxy nobody told us of makes all readers one": [
        "test_votes::test_votes_of_a_crowded_network_are_quarantined",
        "test_votes::test_the_crowd_is_counted_anew_each_day_and_on_each_article",
        "test_limits::test_behind_a_proxy_nobody_told_us_of_no_crowd_is_quarantined",
    ],
    "articles: registered ones only, or made from an allowed origin": [
        "test_reader_api::test_a_site_of_registered_articles_takes_no_others",
        "test_reader_api::test_writes_from_elsewhere_are_refused_without_cors_headers",
    ],
    "articles: 20 an hour and network, 1,000 a day and site": [
        "test_limits::test_a_network_makes_twenty_articles_known_in_an_hour",
        "test_limits::test_a_site_makes_a_thousand_articles_known_in_a_day",
        "test_pages::test_new_articles_are_limited_here_too",
    ],
    "a session is new at sign-in and dead at sign-out and at a new password": [
        "test_account::test_the_session_is_a_new_one_after_signing_in",
        "test_account::test_a_copied_cookie_is_dead_after_signing_out",
        "test_account::test_changing_the_password_ends_every_other_session",
    ],
    "cookies keep to themselves": [
        "test_account::test_cookies_over_http_keep_from_scripts_and_other_sites",
        "test_account::test_cookies_over_https_are_bound_to_the_host",
    ],
    "CSRF on every form": [
        "test_staff_pages::test_a_change_needs_its_token",
        "test_pages::test_a_form_without_its_token_is_refused_and_keeps_the_text",
        "test_pages::test_a_form_of_another_site_is_refused",
    ],
    "no open redirect": ["test_account::test_nobody_is_led_to_another_host"],
    "an unknown Host is 400": [
        "test_abuse::test_an_unknown_host_is_400_at_every_address",
        "test_abuse::test_a_host_that_only_looks_like_ours_is_unknown",
        "test_abuse::test_a_summary_that_is_kept_is_not_shown_under_an_unknown_host",
        "test_abuse::test_over_the_wire_only_one_known_host_is_served",
    ],
    "unknown and known accounts take the same time": [
        "test_account::test_every_sign_in_costs_one_hash_whether_there_is_an_account_or_not",
        "test_account::test_unknown_and_known_accounts_get_the_same_answer",
        "test_notices::test_asking_for_an_unknown_address_is_the_same_work",
    ],
    "headers on staff pages": [
        "test_abuse::test_every_answer_of_a_staff_address_sends_the_headers",
        "test_staff_pages::test_staff_pages_send_their_headers",
        "test_staff_pages::test_no_page_has_script_or_style_of_its_own",
    ],
    "the frame page may be framed by the site's origins": [
        "test_pages::test_only_the_frame_may_be_framed_and_only_by_the_sites_own_pages",
        "test_pages::test_origins_stand_in_the_header_as_browsers_write_them",
    ],
    "CSV cells are no formulas": ["test_feeds::test_a_cell_that_would_be_a_formula_is_made_harmless"],
    "log lines escape control characters": [
        "test_abuse::test_a_log_line_is_one_line_whatever_was_sent",
        "test_abuse::test_the_log_of_a_real_server_has_a_line_for_a_record",
    ],
    "mail headers refuse line breaks": [
        "test_notices::test_a_header_refuses_line_breaks",
        "test_notices::test_a_line_break_that_hides_in_an_encoded_word_stays_there",
    ],
    "mail shows comments as text, without links and images": [
        "test_digests::test_a_letter_has_no_link_and_no_image_of_a_comments_making",
        "test_subscriptions::test_a_reply_is_told_of_a_few_minutes_later",
    ],
    "passwords have 12 to 128 characters and are none that everybody would try": [
        "test_account::test_a_password_has_12_to_128_characters",
        "test_account::test_a_password_that_many_people_use_is_refused",
        "test_account::test_a_password_of_names_that_others_know_is_refused",
    ],
    "a second factor": [
        "test_second_factor::test_no_page_opens_for_the_password_alone",
        "test_second_factor::test_a_code_counts_once",
    ],
    "calls to others: after resolution, on every redirect, but for the networks allowed": [
        "test_outbound::test_what_is_not_public_is_not_called",
        "test_outbound::test_a_name_that_answers_otherwise_the_second_time_leads_nowhere_else",
        "test_outbound::test_a_name_is_checked_anew_where_a_redirect_leads_back_to_it",
        "test_outbound::test_no_redirect_leads_inside",
        "test_outbound::test_a_webhook_follows_no_redirect",
        "test_outbound::test_an_allowed_network_is_called_and_its_neighbours_are_not",
    ],
}


@pytest.fixture
def engine() -> str:
    """SQLite alone: the database plays no part here."""
    return "sqlite"


@pytest.mark.parametrize("line", COVERED)
def test_each_line_of_the_model_has_the_tests_that_the_table_names(line):
    for named in COVERED[line]:
        module, _, name = named.partition("::")
        path = Path(__file__).with_name(f"{module}.py")
        assert re.search(rf"^def {name}\(", path.read_text(encoding="utf-8"), re.MULTILINE), named


# Hosts


def addresses(app: Flask) -> Iterator[tuple[str, str]]:
    """Yield (method, address) of every route, with something in each of its places."""
    for rule in app.url_map.iter_rules():
        values = {name: SLUG if name in ("site", "slug") else "x" for name in rule.arguments}
        values |= {name: str(uuid4()) for name in rule.arguments if name.endswith("_id") and name != "comment_id"}
        choice = re.search(r"<any\(([^)]*)\):(\w+)>", rule.rule)
        if choice:
            values[choice[2]] = choice[1].split(",")[0].strip(" '\"")
        with app.test_request_context():
            address = url_for(rule.endpoint, **values)
        yield from ((method, address) for method in sorted((rule.methods or set()) - {"HEAD"}))


def test_an_unknown_host_is_400_at_every_address(app, client, article):
    found = [*addresses(app), ("GET", "/"), ("GET", "/nowhere"), ("GET", "/static/nowhere"), ("BREW", "/")]
    assert len(found) > 60
    for method, address in found:
        answer = client.open(f"{address}?article={KEY}", method=method, headers={"Host": "evil.test"})
        assert answer.status_code == 400, f"{method} {address}: {answer.status_code}"
        # Neither a page nor a redirect: those would lead on to the host that was named.
        assert answer.content_type == "application/problem+json", f"{method} {address}"
        assert "public" not in answer.headers["Cache-Control"]
        assert "evil.test" not in str(answer.headers)


SUMMARY = f"/api/v1/{SLUG}/feedback?article={KEY}"
UNKNOWN = [
    "evil.test", "evil.test:80", "localhost.evil.test", "evillocalhost", "localhost@evil.test", "evil.test/localhost",
    "evil.test#localhost", "localhost, evil.test", "127.0.0.2", "0.0.0.0", "127.1", "2130706433", "[::]", "[::1", "::1",
    "[::1]", "localhost:x", "local host", "localhost\\.evil.test", "fe\u00e4dback.test", "feedback.test.evil.test",
    "x.feedback.test",
]  # fmt: skip


@pytest.mark.parametrize("host", UNKNOWN)
def test_a_host_that_only_looks_like_ours_is_unknown(make_app, site, host):
    app = make_app(public_url="https://feedback.test")
    raw = host.encode().decode("latin-1")
    for path in ("/healthz", SUMMARY, f"/f/{SLUG}?article={KEY}", "/"):
        assert app.test_client().get(path, environ_overrides={"HTTP_HOST": raw}).status_code == 400, path


@pytest.mark.parametrize("host", ["feedback.test", "feedback.test:8443", "localhost:9", "127.0.0.1:8000"])
def test_our_own_hosts_are_served_at_any_port(make_app, site, host):
    app = make_app(public_url="https://feedback.test")
    assert app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


def test_a_summary_that_is_kept_is_not_shown_under_an_unknown_host(app, client, rae: Reader, article):
    assert rae.reads(article).status_code == 200
    assert app.extensions["front"].kept
    answer = client.get(SUMMARY, headers={"Host": "evil.test"})
    assert (answer.status_code, answer.content_type) == (400, "application/problem+json")


def spoken(port: int, request: bytes) -> bytes:
    """Send bytes as they are and return the first line of the answer, b"" for none."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        return connection.makefile("rb").readline()


@pytest.mark.parametrize(
    ("request_line", "headers"),
    [
        ("GET {path} HTTP/1.1", ["Host: evil.test"]),
        ("GET {path} HTTP/1.1", ["Host: 127.0.0.1", "Host: evil.test"]),
        ("GET {path} HTTP/1.1", ["Host: evil.test", "Host: 127.0.0.1"]),
        ("GET http://evil.test{path} HTTP/1.1", ["Host: evil.test"]),
        ("GET {path} HTTP/1.1", ["Host: evil.test", "X-Forwarded-Host: 127.0.0.1"]),
        ("GET {path} HTTP/1.1", ["Host: evil.test", "Forwarded: host=127.0.0.1"]),
        ("GET {path} HTTP/1.1", ["Host:"]),
        ("GET {path} HTTP/1.1", []),
    ],
)
def test_over_the_wire_only_one_known_host_is_served(server: Server, request_line: str, headers: list[str]) -> None:
    for path in ("/healthz", SUMMARY, "/account/sign-in", "/widget.js"):
        lines = [request_line.format(path=path), *headers, "Connection: close", "", ""]
        assert spoken(server.port, "\r\n".join(lines).encode()).startswith(b"HTTP/1.1 400 "), path
    assert spoken(server.port, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.fixture
def server(start: Start, article: Any) -> Server:
    found = start("--workers", "1", "--no-worker", FEEDBACK_TRUSTED_PROXIES="1")
    assert found.asks("GET", "/readyz")[0] == 200
    return found


# Headers

SENT = {
    "Content-Security-Policy": "default-src 'none'; ",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "Cache-Control": "no-store",
}


def test_every_answer_of_a_staff_address_sends_the_headers(make_app, ada, article):
    app = make_app(public_url="https://feedback.test")
    own = {"Host": "feedback.test", "Referer": "https://feedback.test/"}
    readers = ("/api/", "/f/", "/feeds/", "/healthz", "/metrics", "/readyz", "/static/", "/widget", "/embed.js")
    staff = [(method, path) for method, path in addresses(app) if not path.startswith(readers)]
    assert len(staff) > 40
    for method, path in [*staff, ("GET", "/nowhere"), ("POST", "/nowhere"), ("DELETE", "/account/sign-in")]:
        answer = app.test_client().open(path, method=method, headers=own, base_url="https://feedback.test")
        for name, start in SENT.items():
            assert answer.headers.get(name, "").startswith(start), f"{method} {path}: {answer.status_code} {name}"
        policy = answer.headers["Content-Security-Policy"]
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy
        assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy and "form-action 'self'" in policy


# What was said before


def test_the_same_text_is_known_again_after_the_secret_was_renewed(make_app, rae, stan, article, rows):
    first, renewed = make_app(), make_app(secret_keys=("only-the-tests-sign-with-this-now", SECRET))
    forgotten = make_app(secret_keys=("only-the-tests-sign-with-this-now",))
    rae.at(first).comments(article, "Buy  this miracle cure.")
    stan.at(renewed).comments(article, "buy this MIRACLE cure.")
    held = rows(select(Comment.held_for).order_by(Comment.created))
    assert ["repeated" in codes for codes in held] == [False, True]
    # The newest key makes the hash, so that the old one can go when a day is over.
    rae.at(forgotten).comments(article, "Buy this miracle cure.")
    assert "repeated" in rows(select(Comment.held_for).order_by(Comment.created.desc()))[0]


# Logs

HOSTILE = "ok\n2026-05-04 09:00:00+0000 ERROR root: forged\r\x1b[2J\x1b]0;title\x07\x00\x7f\x9b31m\u2028\u202e\u2066end"
SHOWN = r"ok\n2026-05-04 09:00:00+0000 ERROR root: forged\r\x1b[2J\x1b]0;title\x07\x00\x7f\x9b31m\u2028\u202e\u2066end"
RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d{4} [A-Z]+ [\w.]+: ")


def record(message: str, *args: object, exc_info: Any = None) -> str:
    return Lines().format(logging.LogRecord("feedback.test", logging.WARNING, "x.py", 1, message, args, exc_info))


def test_a_log_line_is_one_line_whatever_was_sent():
    line = record("who sent %s", HOSTILE)
    assert line.endswith(f"who sent {SHOWN}")
    assert RECORD.match(line)
    assert line.isprintable()


def test_a_fault_in_the_log_begins_no_line_of_its_own():
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        first, *below = record("a fault", exc_info=sys.exc_info()).split("\n")
    assert RECORD.match(first)
    assert len(below) > 2
    assert all(line.startswith("    ") and line.isprintable() for line in below)
    assert below[0].strip() == "Traceback (most recent call last):"


def test_what_is_readable_stays_as_it_is():
    assert escaped("Zoë’s “café” — naïve 日本語 🙂 \\n") == "Zoë’s “café” — naïve 日本語 🙂 \\n"


LOUD = """
import logging, sys
from flask import request
from feedback import create_app, serve
app = create_app()

@app.get("/api/loud")
def loud():
    logging.getLogger("a.library").warning("who sent %s", request.args["x"])
    logging.getLogger("_granian").error("and %s", request.args["x"])
    raise ValueError(request.args["x"])

serve.run(app, host="127.0.0.1", port=int(sys.argv[1]), processes=1, with_worker=True,
          announce=lambda: print(f"Serving on http://127.0.0.1:{sys.argv[1]}", flush=True))
"""


def test_the_log_of_a_real_server_has_a_line_for_a_record(database_url: str, tmp_path: Path) -> None:
    environ = {"FEEDBACK_HOME": str(tmp_path), "FEEDBACK_DATABASE_URL": database_url, "FEEDBACK_SECRET_KEY": SECRET}
    command = [sys.executable, "-c", LOUD, str(free_port())]

    server = Server(command, {"PATH": os.environ["PATH"], **environ}, tmp_path / "loud.log")
    try:
        hostile = "".join(f"%{byte:02x}" for byte in HOSTILE.encode())
        assert server.asks("GET", f"/api/loud?x={hostile}")[0] == 500
    finally:
        server.stop()
    text = (tmp_path / "loud.log").read_bytes().decode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
    records = [line for line in text.split("\n") if not line.startswith(("    ", "Serving on ")) and line]
    assert all(RECORD.match(line) for line in records), text
    assert [line.partition(": ")[2] for line in records[:2]] == [f"who sent {SHOWN}", f"and {SHOWN}"]
    # The third is the service's own, with the traceback below it, which leaves out the fault's own words.
    assert [line.partition(": ")[2][:16] for line in records[2:]] == ["fault in request"]
    below = text.partition("fault in request")[2].splitlines()
    assert "    builtins.ValueError" in below and not [line for line in below if "forged" in line]
