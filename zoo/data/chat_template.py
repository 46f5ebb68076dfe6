"""Conversations as text: turns written out by a template, and which stretches of it are answers to be learned.

A template is Jinja, https://jinja.palletsprojects.com, with the names that chat templates of published models use:
`messages`, a list of {"role", "content"}, and `add_generation_prompt`, true where an answer is to follow.
"""

from functools import cache

import jinja2
import jinja2.sandbox

PLAIN = (
    "{% for message in messages %}{{ {'system': '', 'user': 'User: ', 'assistant': 'Assistant: '}[message.role] }}"
    "{{ message.content }}\n{% endfor %}{% if add_generation_prompt %}Assistant: {% endif %}"
)
CHATML = (  # as OpenAI described it, https://github.com/openai/openai-python/blob/v0.27.0/chatml.md
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TEMPLATES = {"plain": PLAIN, "chatml": CHATML}
ANSWERER = "assistant"
QUESTION = "?question?"


def turns(record):
    """The messages of a record: its own `messages`, or one question and, where there is an `output`, its answer."""
    if "messages" in record:
        return record["messages"]
    asked = "\n\n".join(part for part in (record["instruction"], record.get("input", "")) if part)
    answer = [{"role": ANSWERER, "content": record["output"]}] if "output" in record else []
    return [{"role": "user", "content": asked}, *answer]


def check_template(template):
    """Raise ValueError for what is neither the name of a template nor one that writes a question and its answer."""
    asked = {"role": "user", "content": "question"}
    ((prompt, answer),) = stretches([asked, {"role": ANSWERER, "content": "answer"}], template)
    if "question" not in prompt or "answer" not in answer:
        raise ValueError(
            f"Expected a template that writes every message's content. Received: template={template!r:.80}."
        )


def stretches(messages, template):
    """(text, answer) for each answer of a conversation: the text that leads to it, and itself with its ending.

    The texts and answers one after the other are the conversation. Raises ValueError for a template that is no valid
    Jinja, names what is not there, or does not write earlier turns the same whatever follows.
    """
    found, done = [], ""
    for place, message in enumerate(messages):
        if message["role"] != ANSWERER:
            continue
        lead, whole = render(messages[:place], template, True), render(messages[: place + 1], template, False)
        if not lead.startswith(done) or not whole.startswith(lead):
            raise ValueError(
                "Expected a template whose text for a question goes on, word for word, in that for its answer. "
                f"Received: {lead[-40:]!r}, then {whole[: len(lead)][-40:]!r}."
            )
        found.append((lead[len(done) :], whole[len(lead) :]))
        done = whole
    return found


def render(messages, template, asking):
    """The text of messages; `asking`: an answer is to follow."""
    try:
        return _compiled(TEMPLATES.get(template, template)).render(messages=messages, add_generation_prompt=asking)
    except jinja2.TemplateError as error:
        known = ", ".join(TEMPLATES)
        raise ValueError(
            f"Expected a Jinja template over `messages`, or one of {known}. Received: template={template!r:.60}, "
            f"which fails: {error}."
        ) from error


def surroundings(template):
    """The texts that a template puts before and after a question.

    Raises ValueError where they are not the same for every question, or the question itself is changed.
    """

    def asked(question):
        return render([{"role": "user", "content": question}], template, True)

    before, mark, after = asked(QUESTION).partition(QUESTION)
    for question in ("", " two\n\nlines\t", "{{ x }}"):
        if not mark or asked(question) != before + question + after:
            raise ValueError(
                "Expected a template that writes a question as it is, to make a graph of it. "
                f"Received: {template!r:.60}, which makes {asked(question)!r:.60} of {question!r}."
            )
    return before, after


@cache
def _compiled(source):
    if "{" not in source:
        raise jinja2.TemplateError("it has no field, and is no known name")
    sandbox = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    return sandbox.from_string(source)
