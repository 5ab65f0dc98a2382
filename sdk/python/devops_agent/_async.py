"""Runs methods that are `async def`."""

import asyncio
from typing import Any, Awaitable, Optional

from devops_agent._job import Channel, Job, Pipes


def run(awaitable: Awaitable[Any], job: Job, channel: Channel) -> Any:
    """What it returns. A cancelled job is a cancelled task: the method sees
    asyncio.CancelledError where it waits."""
    return asyncio.run(_drive(awaitable, job, channel))


async def _drive(awaitable: Awaitable[Any], job: Job,
                 channel: Channel) -> Any:
    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(awaitable)
    watched = _watch(loop, job, channel)
    # From a signal handler, or below a job.cancelled.
    job._on_cancel = lambda: loop.call_soon_threadsafe(task.cancel)
    if job._cancelled:
        task.cancel()
    try:
        return await task
    finally:
        job._on_cancel = None
        if watched is not None:
            loop.remove_reader(watched)


def _watch(loop: asyncio.AbstractEventLoop, job: Job,
           channel: Channel) -> Optional[int]:
    """Look for a request to cancel when something comes."""
    if not isinstance(channel, Pipes) or channel.ended:
        return None
    pipes = channel
    pipes.look_for_cancel(job)

    def look() -> None:
        pipes.look_for_cancel(job)
        if pipes.ended:
            loop.remove_reader(pipes.requests)

    try:
        loop.add_reader(pipes.requests, look)
    except OSError:             # a file can't be waited for
        return None
    return pipes.requests
