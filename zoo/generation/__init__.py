"""Writing: a network that tells the next token goes on with a text, token by token.

`plan` sorts the steps of a model's drawing, `network` takes them with memories in place of a second look at the whole
text, `writer` is the loop, compiled; `choice` picks a token, by the rules in `settings`; `batch` and `generate` are
the way in and out, `texts` that for people, and `beam` a search in place of single choices. `contrastive_alpha` writes what is
unlike the text before, `speculation` with a draft that guesses ahead, `serving` inside an exported graph.
"""
