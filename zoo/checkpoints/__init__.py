"""Published weights in and out: folders of Hugging Face transformers, read into a network and written from one."""
