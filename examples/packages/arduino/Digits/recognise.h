/* The application of every example in this folder: it is C without an operating system. */
#ifndef RECOGNISE_H
#define RECOGNISE_H

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Checks the library `digits`, runs it on a pattern of pixels and writes, a character at a time, one line of
 * scores, one with the class, and PASS or FAIL. Returns 0 if all went well.
 */
int recognise_pattern(void (*put)(char c));

#ifdef __cplusplus
}
#endif

#endif
