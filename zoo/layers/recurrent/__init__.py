"""Recurrent layers: RNN, LSTM, GRU, and a decoder with attention.

Elman 1990, https://doi.org/10.1207/s15516709cog1402_1 (RNN); Hochreiter & Schmidhuber 1997,
https://doi.org/10.1162/neco.1997.9.8.1735 (LSTM); Cho 2014, https://arxiv.org/abs/1406.1078 (GRU), with the reset after
the matrix product, as cuDNN and PyTorch have it. Weights have the layout of Keras's layers of the same names.

Few operations are sequential: the input projection is one product for all steps, and the gradient of each kernel is
one product as well. With `reverse` the scan goes from the last position to the first; at padding the gates are
saturated, so that the state is still zero when the text begins.
"""
