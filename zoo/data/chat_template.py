"""Chat templates: render conversations as text, and split the text into prompts and answers.

A template is Jinja, https://jinja.palletsprojects.com, with the names that chat templates of published models use:
`messages`, a list of {"role", "content"}, and `add_generation_prompt`, true where the assistant is to answer next.
"""

from collections.abc import Sequence
from functools import cache

import jinja2
import jinja2.sandbox

from zoo.runtime.errors import UserError

PLAIN = (
    "{% for message in messages %}{{ {'system': '', 'user': 'User: ', 'assistant': 'Assistant: '}[message.role] }}"
    "{{ message.content }}\n{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}"
)
CHATML = (  # as OpenAI described it, https://github.com/openai/openai-python/blob/v0.27.0/chatml.md
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATES = {"plain": PLAIN, "chatml": CHATML}
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
    values = {"messages": messages, "add_generation_prompt": add_generation_prompt}
    try:
        return _compiled(TEMPLATES.get(template, template)).render(values)
    except jinja2.TemplateError as error:
        known = ", ".join(TEMPLATES)
        raise UserError(
            f"Expected a Jinja template over `messages`, or one of {known}. Received: template={template!r:.60}, "
            f"which fails: {error}."
        ) from error


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
    if "{" not in source:
        raise jinja2.TemplateError("it has no placeholder, and is no known name")
    sandbox = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    return sandbox.from_string(source)
