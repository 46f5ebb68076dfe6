"""Scores of written texts against what people wrote, as fractions: thin covers over sacrebleu and rouge-score.

BLEU: Papineni et al. 2002, https://aclanthology.org/P02-1040, by sacrebleu's rules (Post 2018, arXiv:1804.08771); chrF:
Popović 2015, https://aclanthology.org/W15-3049; ROUGE: Lin 2004, https://aclanthology.org/W04-1013, with stemming, as
papers on summaries give it.
"""

import sacrebleu
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import CHRF

from zoo.runtime.errors import UserError

ROUGES = ("rouge1", "rouge2", "rougeL")


def text_scores(written, expected, ignore_case=False):
    """BLEU and chrF of all texts together, and the mean over texts of ROUGE-1, -2 and -L.

    Args:
        written, expected: equally long lists of texts. Without any, all scores are 0.
        ignore_case: in BLEU and chrF; ROUGE always does.

    Returns a dict of bleu, chrf, rouge1, rouge2 and rougeL from 0 to 1. Raises UserError for lists of two lengths.
    """
    if len(written) != len(expected):
        raise UserError(f"Expected a written text for each expected one. Received: {len(written)} and {len(expected)}.")
    cases = (written, expected, ignore_case)
    return {"bleu": bleu(*cases), "chrf": chrf(*cases)} | rouge(written, expected)


def bleu(written, expected, ignore_case=False):
    """Corpus BLEU, sacrebleu's default but for the case: 13a tokens, exponential smoothing."""
    return sacrebleu.corpus_bleu(written, [expected], lowercase=ignore_case).score / 100 if written else 0.0


def chrf(written, expected, ignore_case=False):
    """Corpus chrF2, sacrebleu's default but for the case: character n-grams up to 6, recall weighing twice as much."""
    if not written:
        return 0.0
    return CHRF(lowercase=ignore_case).corpus_score(written, [expected]).score / 100


def rouge(written, expected):
    """The mean over texts of each ROUGE's F1."""
    scorer = RougeScorer(ROUGES, use_stemmer=True)
    each = [scorer.score(one, other) for one, other in zip(expected, written, strict=True)]
    return {name: sum(scores[name].fmeasure for scores in each) / max(len(each), 1) for name in ROUGES}
