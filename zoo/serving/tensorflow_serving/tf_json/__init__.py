"""The JSON of TensorFlow Serving's REST API, as pure functions: requests to arrays, arrays to answers, and its errors.

document.py         a request body to values: `parse`, by Python's JSON parser where both agree
reader.py           the exact parser, with RapidJSON's errors and offsets
scanner.py          strings, numbers and literals for it
numbers.py          decimal text to a double, digit by digit as RapidJSON does
quote.py            a value, quoted in an error
grisu.py            the digits of a double in a quoted value
tensor_values.py    values to arrays, by dtype
predict_request.py  the body of `:predict` to arrays: rows (`instances`) and columns (`inputs`)
tf_examples.py      the bodies of `:classify` and `:regress` to tf.Examples
decimals.py         floats to decimal text
predict_answer.py   arrays to the answer of `:predict`
results.py          the answers of `:classify` and `:regress`, and the body of an error
"""
