"""The course: claims about deep learning for language, each an experiment that measures it, one file each."""

from zoo.course._experiment import Experiment, Finding

__all__ = ["Experiment", "Finding"]
