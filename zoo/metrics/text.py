"""BLEU, chrF and ROUGE of generated texts against references, as fractions: computed by sacrebleu and rouge-score.

BLEU: Papineni et al. 2002, https://aclanthology.org/P02-1040, by sacrebleu's rules (Post 2018, arXiv:1804.08771); chrF:
Popović 2015, https://aclanthology.org/W15-3049; ROUGE: Lin 2004, https://aclanthology.org/W04-1013, with stemming, as
papers on summaries report it. Both libraries are imported where they compute: they import SciPy, and more.
"""

from collections.abc import Sequence

from zoo.runtime.errors import UserError

ROUGES = ("rouge1", "rouge2", "rougeL")


def text_scores(texts: Sequence[str], references: Sequence[str], ignore_case: bool = False) -> dict[str, float]:
    """BLEU and chrF of all texts together, and the mean over texts of ROUGE-1, -2 and -L.

    Args:
        texts, references: lists of the same length. Without any text, all scores are 0.
        ignore_case: for BLEU and chrF; ROUGE always ignores case.

    Returns a dict of bleu, chrf, rouge1, rouge2 and rougeL from 0 to 1. Raises UserError for different lengths.
    """
    if len(texts) != len(references):
        raise UserError(f"Expected a reference for each text. Received: {len(texts)} and {len(references)}.")
    scores = {"bleu": bleu(texts, references, ignore_case), "chrf": chrf(texts, references, ignore_case)}
    return scores | rouge(texts, references)


def bleu(texts: Sequence[str], references: Sequence[str], ignore_case: bool = False) -> float:
    """Corpus BLEU, sacrebleu's default except for the case: 13a tokens, exponential smoothing."""
    import sacrebleu

    return sacrebleu.corpus_bleu(texts, [references], lowercase=ignore_case).score / 100 if texts else 0.0


def chrf(texts: Sequence[str], references: Sequence[str], ignore_case: bool = False) -> float:
    """Corpus chrF2, sacrebleu's default except for the case: character n-grams up to 6, recall has twice the weight."""
    from sacrebleu.metrics.chrf import CHRF

    if not texts:
        return 0.0
    return CHRF(lowercase=ignore_case).corpus_score(texts, [references]).score / 100


def rouge(texts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """The mean over texts of the F1 of ROUGE-1, -2 and -L."""
    from rouge_score.rouge_scorer import RougeScorer

    rouge_scorer = RougeScorer(ROUGES, use_stemmer=True)
    scores = [rouge_scorer.score(reference, text) for reference, text in zip(references, texts, strict=True)]
    return {name: sum(score[name].fmeasure for score in scores) / max(len(scores), 1) for name in ROUGES}
