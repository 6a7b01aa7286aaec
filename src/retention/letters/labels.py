"""What questions, answers and reasons are called in letters and on the pages behind their links.

Words only: which questions there are is `retention.facts.QUESTIONS`, which reasons `retention.reasons`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from retention.facts import QUESTIONS
from retention.reasons import Reason

__all__ = ["REASONS_ASKED", "answer", "answers", "offer", "question", "why"]

REASONS_ASKED = ("SIZE_TOO_SMALL", "SIZE_TOO_LARGE", "DEFECTIVE", "NOT_AS_DESCRIBED", "STYLE", "CHANGED_MIND")
"""The reasons that a letter offers as answers; a longer list is not read."""

_QUESTIONS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "away": "What has kept you away?",
        "product": "How is your purchase?",
        "reason": "Why is it going back?",
        "remedy": "What would you like instead?",
        "service": "How was our help, from 5 (very good) to 1 (poor)?",
    },
    "ru": {
        "away": "Почему давно не заглядывали?",
        "product": "Как вам покупка?",
        "reason": "Почему покупка не подошла?",
        "remedy": "Как лучше поступить?",
        "service": "Как вам наша помощь, от 5 (отлично) до 1 (плохо)?",
    },
}
_ANSWERS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "en": {
        "away": {
            "price": "The prices",
            "choice": "Nothing for me there",
            "no_need": "I needed nothing",
            "trouble": "Something went wrong",
        },
        "product": {
            "fine": "All is well",
            "size": "The size is wrong",
            "color": "Another colour would be better",
            "defect": "Something is broken",
            "not_as_described": "It is not as described",
        },
        "reason": {},
        "remedy": {
            "exchange": "Another size",
            "replacement": "The same again",
            "refund": "My money back",
            "store_credit": "Credit for another order",
            "other_model": "Another product",
        },
    },
    "ru": {
        "away": {
            "price": "Цены",
            "choice": "Нет ничего для меня",
            "no_need": "Ничего не было нужно",
            "trouble": "Что-то пошло не так",
        },
        "product": {
            "fine": "Всё хорошо",
            "size": "Не тот размер",
            "color": "Лучше бы другой цвет",
            "defect": "Что-то сломано",
            "not_as_described": "Не как в описании",
        },
        "reason": {"CHANGED_MIND": "Планы изменились"},
        "remedy": {
            "exchange": "Другой размер",
            "replacement": "Такой же товар",
            "refund": "Вернуть деньги",
            "store_credit": "Сертификат на следующий заказ",
            "other_model": "Другой товар",
        },
    },
}
_OFFERS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "discount": "{percent}% off your next order",
        "fixed_amount": "{amount} off your next order",
        "gift": "A gift with your next order",
        "points": "Points worth {amount}",
        "free_shipping": "Free delivery of your next order",
        "free_exchange": "A free exchange",
        "store_credit": "Credit of {amount}",
        "": "Something for you",
    },
    "ru": {
        "discount": "Скидка {percent}\N{NO-BREAK SPACE}% на следующий заказ",
        "fixed_amount": "Скидка {amount} на следующий заказ",
        "gift": "Подарок к следующему заказу",
        "points": "Баллы на {amount}",
        "free_shipping": "Бесплатная доставка следующего заказа",
        "free_exchange": "Бесплатный обмен",
        "store_credit": "Сертификат на {amount}",
        "": "Кое-что для вас",
    },
}
# Parts of a sentence: "you are sending it back because …", «вы возвращаете его, потому что …».
_WHY: Mapping[str, Mapping[str, str]] = {
    "en": {
        "SIZE_TOO_SMALL": "it was too small",
        "SIZE_TOO_LARGE": "it was too large",
        "FIT_OTHER": "it did not fit",
        "DEFECTIVE": "it does not work as it should",
        "DAMAGED": "it arrived damaged",
        "QUALITY": "its quality is not what you expected",
        "NOT_AS_DESCRIBED": "it is not as described",
        "WRONG_ITEM": "we sent the wrong thing",
        "STYLE": "you did not like the style or colour",
        "CHANGED_MIND": "you changed your mind",
        "PRICE": "there are better prices",
        "DELIVERY": "it came too late",
    },
    "ru": {
        "SIZE_TOO_SMALL": "размер оказался мал",
        "SIZE_TOO_LARGE": "размер оказался велик",
        "FIT_OTHER": "вещь не подошла",
        "DEFECTIVE": "вещь не работает как следует",
        "DAMAGED": "вещь пришла повреждённой",
        "QUALITY": "качество не оправдало ожиданий",
        "NOT_AS_DESCRIBED": "вещь не соответствует описанию",
        "WRONG_ITEM": "мы прислали не то",
        "STYLE": "не понравился фасон или цвет",
        "CHANGED_MIND": "планы изменились",
        "PRICE": "нашлась цена лучше",
        "DELIVERY": "доставка заняла слишком много времени",
    },
}


def question(name: str, language: str) -> str:
    """The question of `facts.QUESTIONS` in words."""
    return _QUESTIONS[language][name]


def answers(name: str) -> Sequence[str]:
    """The answers that a letter offers to a question, in order."""
    return QUESTIONS[name] or REASONS_ASKED


def answer(name: str, value: str, language: str) -> str:
    """One answer in words; a reason by its usual name, what the shop made up itself as it is."""
    if name == "reason":
        words = Reason(value).in_words(language) if value in Reason.__members__ else value
        return _ANSWERS[language]["reason"].get(value, words)
    return _ANSWERS[language].get(name, MappingProxyType({})).get(value, value)


def offer(kind: str, language: str, *, percent: str, amount: str) -> str:
    """What an offer of a kind gives, in words; `percent`, `amount`: numbers as the language writes them."""
    words = _OFFERS[language]
    return words.get(kind, words[""]).format(percent=percent, amount=amount)


def why(reason: str, language: str) -> str:
    """A reason as a part of a sentence, "" for one that says nothing or that only the shop knows."""
    return _WHY[language].get(reason, "")
