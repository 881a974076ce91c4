"""What the readers of the demo say: thirty comments and the private notes of those who said No.

Every text was written for this demo. `days` counts back from the moment the demo starts, so that the newest ones are
always a few hours old; `fate` is the state a comment has come to by then.
"""

from dataclasses import dataclass

from feedback.models import FlagReason, State

from .site import DESK, HEAT, MAIN

UNHURRIED = 95_000  # milliseconds from opening the form to sending it
HURRIED = 1_400


@dataclass(frozen=True)
class Said:
    """One comment and what became of it. `tag` names its reader, and the comment for those who answer it."""

    tag: str
    article: str
    days: float
    name: str
    body: str
    fate: State = State.APPROVED
    answers: str | None = None
    reason: str | None = None
    opened: int = UNHURRIED
    website: str = ""
    hasty: bool = False  # it was approved by a slip and taken back before it was decided on
    flagged: tuple[tuple[FlagReason, str], ...] = ()  # what readers found wrong with it once it was published
    staff: str = ""  # what the staff answered
    edited: str = ""  # what a moderator made of the text before it was published
    pinned: bool = False
    likes: int = 0  # readers who liked it once it was published


PLAN = (
    "Mine was planned by my doctor over several weeks, a little less each week, and she asked me to ring if I felt "
    "odd. She said it differs from person to person, so please do not copy my plan."
)

# A line break in a comment is one on the page: hence one line for each paragraph, in pieces.
LONG = "\n\n".join(
    (
        "I am a hospital pharmacist and read this page with a colleague's question in mind. Three things that may help "
        "others who are handed a prescription for their neck:",
        '1. **Ask what it is for.** "For the spasm" and "so that you can sleep" are two different plans, with two '
        "different moments to stop.\n"
        "2. **Ask when you will both look again.** Two weeks is reasonable. A medicine that nobody reviews tends to "
        "stay.\n"
        "3. **Ask how you will come off it** on the day you start. It is much easier to agree on that before you need "
        "it.",
        "What I miss a little is a word on older people. In my experience the falls come not from the first tablet but "
        "from the third one of the day, taken at bedtime together with something else that sedates. A box with pills "
        "for the week, filled by somebody who knows *all* of the medicines, prevents more harm than any leaflet.",
        "None of this replaces a talk with your own pharmacist, and I am not giving advice on anybody's dose here.",
    )
)

PRAISE = "Great post, very informative, I really enjoyed reading it. Visit my profile for more."

COMMENTS = (
    Said(
        "rae",
        MAIN,
        57.3,
        "Rae",
        "Thank you. I was given this for my neck and nobody mentioned that it is *off-label*. "
        "Now I know which questions to take to my next appointment.",
        likes=4,
    ),
    Said(
        "joan",
        MAIN,
        56.1,
        "Joan P.",
        "Same here, and I only learned it from the leaflet. My doctor was not offended at all when I asked.",
        answers="rae",
        likes=1,
    ),
    Said(
        "tomasz",
        MAIN,
        52.6,
        "Tomasz",
        "I do not quite agree with “drowsiness or chance”. I had three weeks of bad nights, and from the second tablet "
        "on I slept and could turn my head. Perhaps it was only the sleep. It did not feel like *only*.",
    ),
    Said(
        "priya",
        MAIN,
        52.2,
        "Priya",
        "I read it differently: they do not say that it did not help **you**, only that one good night cannot tell "
        "anybody why. Glad you are better.",
        answers="tomasz",
    ),
    Said(
        "tomasz",
        MAIN,
        51.9,
        "Tomasz",
        "Fair enough. Reading it again, that is what it says.",
        answers="priya",
    ),
    Said(
        "wrong-page",
        MAIN,
        49.4,
        "Gil",
        "Does the wheat bag go into the microwave dry or damp?",
        fate=State.WITHDRAWN,
    ),
    Said(
        "stop-question",
        MAIN,
        46.8,
        "Marit",
        "The page says that one should not stop suddenly, but not how slowly then. Days? Weeks? I have taken it for "
        "two months and would like to know what to expect before I ring the practice.",
        pinned=True,
        likes=7,
    ),
    Said(
        "farid",
        MAIN,
        46.0,
        "Farid",
        f"{PLAN} The practice is on +44 20 7946 0133 and takes new patients.",
        answers="stop-question",
        edited=PLAN,
        likes=6,
    ),
    Said(
        "pills",
        MAIN,
        44.5,
        "Best Prices",
        "Muscle relaxants shipped worldwide, no questions asked! Order today at https://pills.example/relax "
        "and save 70%",
        fate=State.SPAM,
        website="https://pills.example",
        opened=HURRIED,
    ),
    Said(
        "pharmacist",
        MAIN,
        41.7,
        "M. Lindqvist",
        LONG,
        likes=23,
    ),
    Said(
        "double",
        MAIN,
        38.3,
        "Dave",
        "When it gets really bad I just take the whole day's tablets at once with a couple of beers, works every time. "
        "Don't let them tell you otherwise.",
        fate=State.REJECTED,
        reason="Unsafe advice",
    ),
    Said(
        "half-life",
        MAIN,
        35.2,
        "Owen",
        "The table says three to four hours. Is that why I have to take it three times a day?",
        likes=2,
    ),
    Said(
        "chemist",
        MAIN,
        34.9,
        "Beatriz",
        "Yes, it does not stay in the body for long, so one tablet cannot cover a day. That is also why a missed dose "
        "shows quickly.",
        answers="half-life",
        likes=5,
    ),
    Said(
        "erased",
        MAIN,
        33.5,
        "L. B.",
        "After my stroke I was on this for the arm, and it made me very confused. My neck was never the problem. "
        "I am writing this for others in the same place.",
        fate=State.ERASED,
    ),
    Said(
        "kind",
        MAIN,
        32.8,
        "Ama",
        "Thank you for writing this down. The same happened to my father, and it helped us to hear that it can be "
        "the tablets.",
        answers="erased",
    ),
    Said(
        "abuse",
        MAIN,
        29.1,
        "truth teller",
        "What a pile of rubbish. You are all paid by the drug companies and anybody who believes this is an idiot.",
        fate=State.REJECTED,
        reason="Insulting",
        hasty=True,
    ),
    Said(
        "leaflet",
        MAIN,
        27.4,
        "Hanne",
        "For those who lost the leaflet: the NHS has a readable page at https://www.nhs.uk/medicines/baclofen/ which "
        "says much the same about alcohol.",
        flagged=((FlagReason.SPAM, "Is somebody collecting clicks here?"), (FlagReason.OTHER, "")),
        likes=3,
    ),
    Said(
        "top",
        MAIN,
        22.6,
        "Marit",
        "> Do not stop suddenly\n\nThis part is new, isn't it? It is exactly what I missed the first time. I would put "
        "it even higher up, right under the title.",
        likes=3,
    ),
    Said(
        "spanish",
        MAIN,
        17.9,
        "Lucía",
        "Muy claro, gracias. ¿Habrá una versión en español? Mi madre toma este medicamento y no lee inglés.",
        staff="Gracias, Lucía. Estamos en ello: la versión en español aparecerá en unas semanas.",
    ),
    # From here on: what waits in the queue when the demo starts.
    Said(
        "studies",
        MAIN,
        2.3,
        "Ruben",
        "Where do your statements about trials come from? I looked in three places and found little on the neck: "
        "https://pubmed.ncbi.nlm.nih.gov/?term=baclofen+neck+pain and https://www.cochranelibrary.com/ and "
        "https://clinicaltrials.gov/ – a list of sources under the article would be good.",
        fate=State.PENDING,
    ),
    Said(
        "contact",
        MAIN,
        1.7,
        "Helen",
        "Has anybody had twitching legs from it? I would like to talk to somebody in the same boat. You can "
        "reach me at helen.k@mail.example or on +44 20 7946 0018 in the evenings.",
        fate=State.PENDING,
    ),
    Said(
        "cold-turkey",
        MAIN,
        1.1,
        "Steve",
        "All this fuss about stopping. I threw mine in the bin from one day to the next and lived. Just get it over "
        "with, doctors always exaggerate.",
        fate=State.PENDING,
    ),
    Said(
        "rae",
        MAIN,
        0.6,
        "Rae",
        "A small update: I asked, we agreed on exercises first, and a date to look again. Thank you once more.",
        fate=State.PENDING,
    ),
    Said("praise", MAIN, 0.9, "seo_agency_24", PRAISE, fate=State.SPAM),
    Said("more-praise", HEAT, 0.3, "Best Agency", PRAISE, fate=State.PENDING, opened=HURRIED),
    Said(
        "patch",
        HEAT,
        40.4,
        "Wilma",
        "I wear a pain patch and had no idea about the heat. *Thank you*, the wheat bag stays in the cupboard.",
    ),
    Said(
        "arabic",
        HEAT,
        20.2,
        "ليلى",
        "شكرًا، مقال واضح ومفيد.",
    ),
    Said(
        "mixed-name",
        HEAT,
        0.9,
        "Аdmin",  # the first letter is Cyrillic
        "Heat always, cold never. Cold makes the muscle hard, everybody knows that.",
        fate=State.PENDING,
    ),
    Said(
        "band",
        DESK,
        26.5,
        "Noor",
        "What do I do in an open-plan office where standing up to `draw the chin back` makes everybody look? "
        "Serious question!",
    ),
    Said(
        "band-answer",
        DESK,
        0.2,
        "Theo",
        "Do it while the printer runs. Half of our floor does by now.",
        answers="band",
        fate=State.PENDING,
    ),
)


@dataclass(frozen=True)
class Complaint:
    """What somebody who answers No may name: a reason, a heading of the page, and perhaps words for the author."""

    reason: str | None
    section: str | None
    weight: int
    notes: tuple[str, ...] = ()


# What readers missed before the edit: how to stop, and what alcohol does.
BEFORE = (
    Complaint(None, None, 24),
    Complaint(
        "incomplete",
        "cautions",
        44,
        (
            "How do I stop? You say never suddenly and then nothing.",
            "You can write to me about this, old.address@mail.example, I have taken it for years.",
            "Nothing about a glass of wine in the evening. Is it one, or none?",
            "I have one kidney. Is that “weak kidneys” already?",
            "Please say how slowly one comes off it.",
        ),
    ),
    Complaint(
        "unclear",
        "spasm-or-spasticity",
        10,
        (
            "I still do not know which of the two I have.",
            "Spasm, spasticity, stiffness: please keep to one word.",
        ),
    ),
    Complaint("unclear", "how-it-acts", 8, ("What is a docking place?",)),
    Complaint(
        "looking_for_something_else",
        None,
        12,
        ("I wanted to know the dose.", "I was looking for the pump, not tablets."),
    ),
    Complaint("inaccurate", "what-trials-found", 4, ("It did help me. Your trials must have been too short.",)),
    Complaint("outdated", "what-trials-found", 3),
    Complaint("unsafe", "cautions", 3, ("Driving is mentioned in half a sentence. That is not enough.",)),
    Complaint("other", "at-a-glance", 3, ("The table does not fit on my phone.",)),
)

AFTER = (
    Complaint(None, None, 30),
    Complaint("incomplete", "what-else-helps", 12, ("Which exercises? A drawing would help.",)),
    Complaint("incomplete", "kidneys-and-other-illnesses", 8, ("Say from which kidney value on.",)),
    Complaint("unclear", "how-it-acts", 10, ("Too many technical words in this part.",)),
    Complaint("unclear", "spasm-or-spasticity", 5),
    Complaint(
        "looking_for_something_else",
        None,
        20,
        ("I need to know whether I can fly with it.", "Was looking for the cream."),
    ),
    Complaint("inaccurate", "what-trials-found", 3),
    Complaint("other", None, 4, ("Where is the list of sources?",)),
)

ELSEWHERE = (
    Complaint(None, None, 5),
    Complaint("incomplete", "short-answer", 3, ("So which one is it?",)),
    Complaint("unclear", "what-they-do", 2),
)

PLEASED = (
    "The part on stopping safely is what I came for. Thank you.",
    "Read it to my mother on the phone, and she understood it.",
    "Good that you say when something is not known.",
)
