"""Well-known names of columns: by standard field, the names that tables of other people give to it."""

NAMES = {  # field -> names of columns that hold it, in lower case; the first that a table has is taken
    "text": (
        *("text", "sentence", "body", "message", "content", "review", "comment", "utterance", "query", "request"),
        *("tweet", "post", "document", "article", "question", "description", "abstract", "title", "subject", "input"),
    ),
    "text_pair": ("text_pair", "sentence2", "hypothesis", "question2", "text2", "answer", "passage", "reply"),
    "label": (
        *("label", "category", "class", "intent", "topic", "sentiment", "target", "tag", "genre", "type", "emotion"),
        *("similarity", "score", "rating", "stars", "gold_label", "is_duplicate", "y", "output"),
    ),
    "labels": ("labels", "categories", "topics", "tags", "genres", "emotions", "label", "category", "emotion", "topic"),
    "tokens": ("tokens", "words", "forms", "sentence"),
    "tags": ("tags", "ner_tags", "ner", "slots", "labels", "entities", "pos_tags", "upos", "pos"),
    "source": ("source", "src", "en", "english", "document", "dialogue", "article", "input"),
    "target": ("target", "tgt", "translation", "summary", "highlights", "output"),
    "question": ("question", "query"),
    "context": ("context", "passage", "paragraph", "document", "text"),
    "answers": ("answers", "answer"),
    "instruction": ("instruction", "prompt", "question", "query", "problem", "input"),
    "output": ("output", "response", "completion", "answer", "reply", "solution", "chosen"),
    "messages": ("messages", "conversations", "conversation", "dialog", "dialogue", "chat", "contents", "chosen"),
}
