"""Train a preset, as `zoo train` does, for schedulers and containers: python scripts/train.py PRESET [field=value ...]

A run that was killed continues from its last checkpoint when the same command is started again. The exit status is 0
when the model folder is complete, and 2, with one line on standard error, for a mistake in the settings or the data.
The environment variable KERAS_BACKEND chooses jax, tensorflow or torch.
"""

import argparse
import json
from pathlib import Path

import zoo


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset", help="a name of `zoo list presets`")
    parser.add_argument(
        "settings", nargs="*", metavar="field=value", help="such as training.epochs=5 or data.columns.label=intent"
    )
    parser.add_argument("--data", help="file, folder or dataset in place of the preset's own")
    parser.add_argument("--to", type=Path, help="folder of the trained model; default: saved_models/PRESET")
    options = parser.parse_intermixed_args()

    folder = options.to or Path("saved_models", options.preset)
    try:
        pipeline = zoo.train(
            options.preset,
            data=options.data,
            overrides=options.settings,
            to=folder,
            resume=folder.with_name(f"{folder.name}.running").is_dir(),
        )
    except zoo.UserError as error:
        parser.error(str(error))
    print(json.dumps({"model": str(folder), "scores": pipeline.scores}))


if __name__ == "__main__":
    main()
