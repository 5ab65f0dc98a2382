/*
 * crash.h: named points at which tests let the process die as by kill -9.
 *
 *	CRASH_POINT("commit-done");
 *
 * Only bin/devops_agent-crash has them (`make check-crash`); anywhere else
 * they are nothing.  There, DEVOPS_AGENT_CRASH=NAME:N in the environment lets
 * the process die when it passes the point NAME for the N-th time (1 where
 * ":N" is left out).  t/agent/crashes.py drives them, and knows all by
 * reading the source: a point that no test dies at fails it.
 *
 * CRASH_TIME() sets the wall clock as somebody would: by as many milliseconds
 * as the file says that DEVOPS_AGENT_CLOCK names, as soon as it is passed.
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#ifdef WITH_CRASH_POINTS
void crash_point(const char *name);
/* "WHEN-FROM-TO": a transition of the job table. */
void crash_transition(const char *when, const char *from, const char *to);
void crash_time(void);
#define CRASH_POINT(name) crash_point(name)
#define CRASH_TRANSITION(when, from, to) crash_transition(when, from, to)
#define CRASH_TIME() crash_time()
#else
#define CRASH_POINT(name) ((void)0)
#define CRASH_TRANSITION(when, from, to) ((void)0)
#define CRASH_TIME() ((void)0)
#endif

#endif
