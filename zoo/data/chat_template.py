"""Chat templates: render conversations as text, and split the text into prompts and answers.

A template is Jinja, https://jinja.palletsprojects.com, rendered as `apply_chat_template` of transformers does, with the
names that chat templates of published models use: `messages`, a list of {"role", "content"}, and
`add_generation_prompt`, true where the assistant is to answer next.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache

import jinja2

from zoo.data.template_environment import environment, render_template
from zoo.runtime.errors import UserError, single_line

PLAIN = (
    "{% for message in messages %}{{ {'system': '', 'user': 'User: ', 'assistant': 'Assistant: '}[message.role] }}"
    "{{ message.content }}\n{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}"
)
CHATML = (  # as OpenAI described it, https://github.com/openai/openai-python/blob/v0.27.0/chatml.md
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PLAIN_NAME = "plain"
TEMPLATES = {PLAIN_NAME: PLAIN, "chatml": CHATML}
FROM_TOKENIZER = "tokenizer"  # the chat template of the published folder that training starts from
ASSISTANT = "assistant"
QUESTION = "?question?"

Message = dict[str, str]  # {"role", "content"}


def messages_of(record: dict) -> list[Message]:
    """The messages of a record: its own `messages`, or one user message and, where it has an `output`, the answer."""
    if "messages" in record:
        return record["messages"]
    question = "\n\n".join(part for part in (record["instruction"], record.get("input", "")) if part)
    answer = [{"role": ASSISTANT, "content": record["output"]}] if "output" in record else []
    return [{"role": "user", "content": question}, *answer]


def check_template(template: str) -> None:
    """Raise UserError for an unknown name of a template, and for a template that drops a question or an answer."""
    question = {"role": "user", "content": "question"}
    ((prompt, answer),) = prompt_answer_pairs([question, {"role": ASSISTANT, "content": "answer"}], template)
    if "question" not in prompt or "answer" not in answer:
        raise UserError(
            f"Expected a template that writes every message's content. Received: template={template!r:.80}."
        )


def prompt_answer_pairs(messages: Sequence[Message], template: str) -> list[tuple[str, str]]:
    """(prompt, answer) for each answer of a conversation: the text since the last answer, and the answer with its end.

    All prompts and answers, joined in order, are the text of the conversation. Raises UserError for a template that is
    no valid Jinja, uses an unknown name, or renders earlier messages differently once others follow.
    """
    pairs, history = [], ""
    for index, message in enumerate(messages):
        if message["role"] != ASSISTANT:
            continue
        prompt, text = render(messages[:index], template, True), render(messages[: index + 1], template, False)
        if not prompt.startswith(history) or not text.startswith(prompt):
            raise UserError(
                "Expected a template whose text with an answer begins, word for word, with the prompt for it. "
                f"Received: {prompt[-40:]!r}, then {text[: len(prompt)][-40:]!r}."
            )
        pairs.append((prompt[len(history) :], text[len(prompt) :]))
        history = text
    return pairs


def render(messages: Sequence[Message], template: str, add_generation_prompt: bool) -> str:
    """Render messages as text; with `add_generation_prompt` it ends with the header of the assistant's answer."""
    rows = [{key: value for key, value in message.items() if value is not None} for message in messages]
    values = {"messages": rows, "add_generation_prompt": add_generation_prompt, "tools": None, "documents": None}
    try:
        return render_template(_compiled(TEMPLATES.get(template, template)), values)
    except Exception as error:  # a template may divide by zero, call itself, nest too deeply
        known = ", ".join(TEMPLATES)
        reason = single_line(str(error) or type(error).__name__)
        reason = reason if isinstance(error, jinja2.TemplateError) else f"{type(error).__name__}: {reason}"
        raise UserError(
            f"Expected a Jinja template over `messages`, or one of {known}. Received: template={template!r:.60}, "
            f"which fails: {reason:.200}."
        ) from None


def with_special_tokens(template: str, roles: Mapping[str, str]) -> str:
    """A template that knows the special tokens of a tokenizer, such as `bos_token`, as it does in transformers."""
    lines = [f"{{% set {role} = {json.dumps(token)} %}}" for role, token in roles.items() if role in template]
    return "\n".join([*lines, template])


def prompt_affixes(template: str) -> tuple[str, str]:
    """The prefix and the suffix that a template puts around a question.

    Raises UserError where they depend on the question, or where the template changes the question.
    """

    def prompt(question):
        return render([{"role": "user", "content": question}], template, True)

    prefix, mark, suffix = prompt(QUESTION).partition(QUESTION)
    for question in ("", " two\n\nlines\t", "{{ x }}"):
        if not mark or prompt(question) != prefix + question + suffix:
            raise UserError(
                "Expected a template that writes a question as it is, to export it as a graph. "
                f"Received: template={template!r:.60}, which renders {question!r} as {prompt(question)!r:.60}."
            )
    return prefix, suffix


@cache
def _compiled(source):
    if source == FROM_TOKENIZER:
        raise jinja2.TemplateError("it is that of a published folder: name one, with a chat template, by --from")
    if "{" not in source:
        raise jinja2.TemplateError("it has no placeholder, and is no known name")
    return environment().from_string(source)
