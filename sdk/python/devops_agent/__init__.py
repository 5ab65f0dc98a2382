"""The Python side of devops_agent's plugins.

A plugin needs nothing of this: the agent starts it through ``_loader``, and
``register()`` and the ``job`` that a method takes are all there is to know.
Import it for annotations (``def collect(job: "devops_agent.Job")``), to catch
``devops_agent.Cancelled``, and for tests (``devops_agent.testing``).
"""

__version__ = "0.1.0"
__all__ = ["Cancelled", "Failed", "Job", "Retry", "__version__"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from devops_agent._job import Cancelled, Failed, Job, Retry


def __getattr__(name: str) -> object:
    # Every plugin's start would pay for what is imported above.
    if name in __all__:
        from devops_agent import _job
        return getattr(_job, name)
    raise AttributeError("module 'devops_agent' has no attribute '%s'" % name)
