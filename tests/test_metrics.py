"""What Prometheus is told of a site, and who may ask."""

import re

from sqlalchemy import update

from feedback.db import db
from feedback.models import Standing
from tests.cast import Staff

LINE = re.compile(r'feedback_[a-z_]+\{site="health"(?:,[a-z]+="[a-z_]+")?\} [0-9.e+]+')


def asks(client, person: Staff):
    return client.get("/metrics", headers={"Authorization": f"Bearer {person.token}"})


def test_an_administrators_token_reads_the_sites_figures(client, rae, stan, ada, article, clock):
    rae.votes(article, "yes")
    stan.votes(article, "no")
    rae.comments(article, "It helped me.")
    clock.forward(hours=2)
    answer = asks(client, ada)
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    lines = answer.text.splitlines()
    for line in (
        'feedback_votes{site="health",answer="yes"} 1',
        'feedback_votes{site="health",answer="no"} 1',
        'feedback_comments{site="health",list="pending"} 1',
        'feedback_comments{site="health",list="approved"} 0',
        'feedback_oldest_wait_seconds{site="health"} 7200.0',
        'feedback_letters{site="health",state="given_up"} 0',
    ):
        assert line in lines
    assert all(line.startswith("# ") or LINE.fullmatch(line) for line in lines)


def test_nobody_else_is_told(client, mo, ann):
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    for person in (mo, ann):
        answer = asks(client, person)
        assert answer.status_code == 403
        assert "administrator" in answer.json["detail"]


def test_no_digit_of_a_large_number_is_lost(client, ada, article, do):
    do(lambda: db.session.execute(update(Standing).values(yes=1_234_567)))
    assert 'feedback_votes{site="health",answer="yes"} 1234567\n' in asks(client, ada).text


def test_a_new_site_has_figures_too(client, ada):
    assert 'feedback_votes{site="health",answer="yes"} 0' in asks(client, ada).text
