"""Code that makes packages impossible to import in a process of its own."""

HIDE = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if {condition} else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""
HIDE_TENSORFLOW = HIDE.format(condition='name.startswith("tensorflow")')
HIDE_ZOO_AND_KERAS = HIDE.format(condition='name.split(".")[0] in ("zoo", "keras")')
