"""From lists of ids to lists of ids."""

from zoo.generation.batch import Batch
from zoo.generation.settings import Settings
from zoo.generation.writer import Writer


def generate(model, prompts, sources=None, **settings):
    """Write on from prompts.

    Args:
        model: a functional `keras.Model` of layers that know memories, from ids to (batch, time, vocabulary) logits.
            Its input is the text; or its inputs are `source` and `target`, as those of an encoder-decoder.
        prompts: lists of ids; of an encoder-decoder those that the target begins with.
        sources: of an encoder-decoder, as many lists of ids.
        settings: the fields of `zoo.generation.Settings`.

    Returns a list of the new ids of each prompt, the one that stopped a text left out. Raises ValueError for what
    cannot be written on, and for settings that contradict each other.
    """
    return [one.ids for one in write(model, prompts, sources, Settings(**settings))]


def write(model, prompts, sources, settings):
    """As `generate`, of `Settings`: a `Written` for each prompt."""
    writer = Writer.of(model)
    batch = Batch(writer, prompts, sources, settings)
    return batch.read(writer.advance(batch.begin(), batch.given, settings.new_tokens))
