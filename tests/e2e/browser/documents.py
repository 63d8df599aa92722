"""What the two product documents tell their readers to do, in our words, with the buttons that they name.

`how-to` is "How to Create a Private Integration", `guide` the description of Private Integrations with its steps. Each
thing to do has a number; a test that walks it says so with `covers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that a document tells people to do. `names` are the buttons, links and fields that it calls by name."""

    section: str
    words: str
    names: tuple[str, ...] = ()


TOLD: Final = {
    # How to Create a Private Integration
    "how-to 1": Told(section="Creating", words="go to the Settings tab", names=("Settings",)),
    "how-to 2": Told(
        section="Creating", words="choose the section in the side bar", names=("Private Integrations",)
    ),
    "how-to 3": Told(section="Creating", words="start", names=("Create New Integration",)),
    "how-to 4": Told(
        section="Configuring", words="give it a name that tells what it is", names=("Integration Name",)
    ),
    "how-to 5": Told(section="Configuring", words="say briefly what it will do", names=("Description",)),
    "how-to 6": Told(section="Configuring", words="define the scopes that it gets"),
    "how-to 7": Told(section="Generating", words="generate the token", names=("Generate Access Token",)),
    "how-to 8": Told(section="Generating", words="copy and keep it: it is not displayed again"),
    "how-to 9": Told(section="Testing", words="connect the application with the token"),
    "how-to 10": Told(section="Testing", words="test that it works with the right permissions"),
    "how-to 11": Told(section="Managing", words="manage the tokens of the integrations"),
    "how-to 12": Told(section="Managing", words="Rotate Now, for a new token", names=("now",)),
    "how-to 13": Told(section="Managing", words="Expire Now, to end a token at once", names=("Expire",)),
    "how-to 14": Told(section="Troubleshooting", words="verify which scopes are set"),
    "how-to 15": Told(section="Troubleshooting", words="rotate regularly with Rotate Now"),
    "how-to 16": Told(section="Troubleshooting", words="keep an eye on how tokens are used"),
    "how-to 17": Told(section="Troubleshooting", words="let unused tokens expire by themselves"),
    "how-to 18": Told(section="Questions", words="a lost token: Rotate Now, for another"),
    "how-to 19": Told(section="Questions", words="stop an integration at once: Expire Now"),
    # Private Integrations, with its steps
    "guide 1": Told(
        section="Who may",
        words="switch the permission of a user on or off",
        names=("My Team", "Edit", "Roles and Permissions", "Private Integrations"),
    ),
    "guide 2": Told(
        section="Where",
        words="find the section in the left navigation",
        names=("Other Settings", "Private Integrations"),
    ),
    "guide 3": Told(section="Where", words="not there: enable the feature", names=("Labs",)),
    "guide 4": Told(section="Create 1", words="start", names=("Create new Integration",)),
    "guide 5": Told(section="Create 2", words="give a name and a description"),
    "guide 6": Told(section="Create 3", words="select the scopes"),
    "guide 7": Told(section="Create 3", words="select only the necessary ones"),
    "guide 8": Told(section="Create 4", words="copy the token for the developer"),
    "guide 9": Told(section="Create 4", words="share it with trusted parties only"),
    "guide 10": Told(section="Create 4", words="do not forget to copy: there is no later"),
    "guide 11": Told(section="Rotate", words="rotate every 90 days"),
    "guide 12": Told(section="Rotate later 1", words="open the integration in the settings"),
    "guide 13": Told(section="Rotate later 2", words="press", names=("Rotate and expire this token later",)),
    "guide 14": Told(section="Rotate later 3", words="answer the warning", names=("Continue",)),
    "guide 15": Told(
        section="Rotate later 4", words="copy the new token; for 7 days both work, then the old one expires"
    ),
    "guide 16": Told(
        section="Rotate later 4", words="more time is needed", names=("Cancel rotation", "Continue")
    ),
    "guide 17": Told(
        section="Rotate later 4", words="the application has the new token", names=("Expire now", "Continue")
    ),
    "guide 18": Told(section="Rotate later 4", words="do not forget to copy the new token"),
    "guide 19": Told(section="Rotate now 1", words="open the integration in the settings"),
    "guide 20": Told(section="Rotate now 2", words="press", names=("Rotate and expire this token now",)),
    "guide 21": Told(section="Rotate now 3", words="answer the warning", names=("Continue",)),
    "guide 22": Told(section="Rotate now 4", words="copy the new token into the application"),
    "guide 23": Told(section="Rotate now 4", words="do not forget to copy the new token"),
    "guide 24": Told(section="Edit 1", words="choose from the three-dot menu", names=("Edit",)),
    "guide 25": Told(section="Edit 2", words="change name and description", names=("Next",)),
    "guide 26": Told(section="Edit 3", words="change the scopes", names=("Update",)),
    "guide 27": Told(section="Edit 3", words="select only the necessary ones"),
    "guide 28": Told(section="Edit", words="no new token: the existing one goes on working"),
    "guide 29": Told(section="Delete", words="choose from the three-dot menu", names=("Delete",)),
}


def covers(*numbers: str) -> Callable[[F], F]:
    """Says which of them a test walks."""

    def mark(test: F) -> F:
        test.covers = numbers  # type: ignore[attr-defined]
        return test

    return mark
