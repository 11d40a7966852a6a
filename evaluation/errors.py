"""What a user is told when something is wrong, in Korean or English, never as a traceback."""

import os

LANGUAGES = ("ko", "en")


def language() -> str:
    """The language of messages: ICCP_LANG (ko or en), else Korean on a Korean system, else English."""
    chosen = os.environ.get("ICCP_LANG", "")
    if chosen in LANGUAGES:
        return chosen
    system = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "ko" if system.startswith("ko") else "en"


def say(en: str, ko: str) -> str:
    """One text in the language of messages."""
    return ko if language() == "ko" else en


def not_usable(error: OSError) -> "UserError":
    """A file or folder that the system would not read or write."""
    place, why = error.filename or "?", error.strerror or str(error)
    return UserError(
        f"{place}: {why}. Look whether it is what it should be (file or folder), whether it may be written, and whether the disk is full.",
        f"{place}: {why}. 파일·폴더 종류와 쓰기 권한, 디스크 여유 공간을 확인하십시오.",
    )


class UserError(Exception):
    """Something the user can mend: what is wrong, where, and how to mend it, in both languages."""

    def __init__(self, en: str, ko: str):
        super().__init__(en, ko)
        self.en, self.ko = en, ko

    def __str__(self) -> str:
        return say(self.en, self.ko)
