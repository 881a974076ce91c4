"""The served contract is the one that is kept: every route stands in it, every answer is one it names."""

import json
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection

from feedback.views import openapi
from tests.cast import ORIGIN


@pytest.fixture
def document(client):
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json


def test_the_document_is_openapi_3_1(document):
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in document["components"]["schemas"]
    operations = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(operations) == len(set(operations))


def test_every_route_of_the_api_is_documented_and_every_documented_route_exists(app, document):
    documented = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, operations in document["paths"].items()
        for method in operations
    }
    routes = {
        (method, re.sub(r"<[^>]+>", "{}", str(rule)))
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/v1/<site>")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == routes


def test_the_readable_page_names_every_call(client):
    page = client.get("/api/")
    assert page.status_code == 200
    for call in openapi.CALLS:
        assert f"{call.method.upper()} {call.path}" in page.text
    assert "Set-Cookie" not in page.headers


@pytest.fixture
def seeded(rae, stan, mo, ada, article):
    """One of everything that can be named; returns what the examples leave out."""
    waiting = rae.comments(article, "still waiting").json["comment"]["id"]
    decided = rae.comments(article, "decided on").json["comment"]["id"]
    rae.votes(article, "no", reason="unclear", section="dose", note="too long")
    done = mo.posts("/decisions", comment=decided, version=1, action="approve").json["decisions"][0]["id"]
    spam = mo.posts("/decisions", filter={"state": "spam"}, before="2027-01-01T00:00:00Z", action="reject")
    ban = mo.posts(f"/comments/{waiting}/ban", kind="reader", days=1, why="To see it lifted")
    word = mo.posts("/words", kind="word", effect="watch", pattern="cure", why="To see it removed")
    flagged = stan.comments(article, "to be flagged").json["comment"]["id"]
    mo.posts("/decisions", comment=flagged, version=1, action="approve")
    return {
        "waiting": waiting,
        "decided": decided,
        "decisions": done,
        "flagged": flagged,
        "batches": spam.json["batch"],
        "bans": ban.json["ban"]["id"],
        "words": word.json["word"]["id"],
    }


def headers(call, rae, ada):
    if call.audience in ("everybody", "readers"):
        return {"Origin": ORIGIN}
    return {"Authorization": f"Bearer {ada.token}"}


# What the others' examples cannot be run on.
ON = {"/comments/{id}/pin": "decided", "/comments/{id}/flag": "flagged", "/comments/{id}/like": "flagged"}
ON |= {"/undo": "decisions"}


@pytest.mark.parametrize("call", openapi.CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_each_example_runs(call, client, rae, ada, seeded):
    kind = call.path.split("/")[1]
    identifier = seeded.get(kind) or seeded[ON.get(call.path, "waiting")]
    path = call.url.replace("{id}", identifier).replace("%E2%80%A6", seeded["decided"])
    body = call.sent.replace("\\u2026", seeded[ON.get(call.path, "waiting")])
    if call.path.endswith(("/withdraw", "/edit")):
        body = body.replace("A" * 22, rae.token)
    kind = "application/json" if call.as_json else "application/x-www-form-urlencoded"
    content = {"data": body, "content_type": kind} if call.body else {}
    answer = getattr(client, call.method)(path, headers=headers(call, rae, ada), **content)
    assert answer.status_code in call.answers, answer.text


# Every check of schemathesis over every call, on data it makes up: as documented, and as it should not be.

# What is well formed may still be refused, for what a schema cannot say: a cursor (400), a token (401) or an id (404)
# that nobody was given, somebody else's comment (403), a version that has passed (409), a reason for a Yes (422).
REFUSALS = ["400", "401", "403", "404", "409", "422"]
CONFIG = {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", *REFUSALS]}}}


def operations(app, audiences, document):
    schema = schemathesis.openapi.from_dict(document, config=SchemathesisConfig.from_dict(CONFIG))
    schema.app = app
    found = [result.ok() for result in schema.get_all_operations()]
    return [operation for operation in found if set(operation.tags or []) & audiences]


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("audience", ["reader", "staff"])
def test_nothing_made_up_breaks_the_contract(app, rae, ada, seeded, document, audience, mode):
    readers = {"readers", "everybody"}
    staff = {call.audience for call in openapi.CALLS} - readers
    sent = {"Origin": ORIGIN} if audience == "reader" else {"Authorization": f"Bearer {ada.token}"}
    sent["Accept-Encoding"] = "identity"  # what is compressed, the client in the tests does not unpack
    for operation in operations(app, readers if audience == "reader" else staff, document):
        tried = attack(operation, mode, sent)
        assert tried, operation.label


def attack(operation, mode, sent):
    """Send made-up requests of one kind to one call; every check raises where an answer breaks the contract."""
    tried = []

    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case):
        tried.append(case)
        case.path_parameters = {**case.path_parameters, "site": "health"}
        # A query may carry names that this service does not know; caches and trackers add them. What known names may
        # hold is tested one by one in test_malformed.py.
        but = [negative_data_rejection] if case.method == "GET" else []
        case.call_and_validate(headers=sent, excluded_checks=but)

    try:
        run()
    except Unsatisfiable:
        # A call that takes nothing has nothing that could be wrong about it.
        assert mode is GenerationMode.NEGATIVE
        tried.append(None)
    return tried
