"""Recurrent layers: a state that is renewed at each token, and the network that stacks them.

Elman 1990, https://doi.org/10.1207/s15516709cog1402_1 (RNN); Hochreiter & Schmidhuber 1997,
https://doi.org/10.1162/neco.1997.9.8.1735 (LSTM); Cho 2014, https://arxiv.org/abs/1406.1078 (GRU), with the reset after
the matrix product, as cuDNN and PyTorch have it. Weights are laid out as those of Keras's layers of the same names.

Quick because little goes step by step: inputs meet their kernel in one product for all steps, and the gradients of both
kernels are one product each as well. Reading in reverse turns nothing around: the scan goes from the last place to the
first, and padding there shuts the gates, so that the state is zero still when the text begins.
"""
