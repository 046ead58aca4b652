/*
 * The few functions of QEMU's plugin interface that the profiler uses. QEMU's own header is seldom packaged.
 * BITLOOM_QEMU_API is the interface's version: 1 up to QEMU 8, 2 in 9.0, 3 or more from 9.1 on, where an
 * instruction's bytes are copied instead of pointed to. QEMU refuses a plugin of a version that it does not
 * support.
 */
#ifndef BITLOOM_QEMU_PLUGIN_H
#define BITLOOM_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define QEMU_EXPORT __declspec(dllexport)
#else
#define QEMU_EXPORT __attribute__((visibility("default")))
#endif

typedef uint64_t qemu_plugin_id_t;
struct qemu_info_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*qemu_plugin_translated)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_executed)(unsigned int cpu, void *data);

/* Callbacks that look at no register of the guest. */
#define QEMU_NO_REGISTERS 0

extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_translated callback);
extern void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, qemu_plugin_executed callback,
                                                 int flags, void *data);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
extern uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *instruction);
extern size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *instruction);
#if BITLOOM_QEMU_API >= 3
extern size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction, void *bytes, size_t size);
#else
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *instruction);
#endif

QEMU_EXPORT extern int qemu_plugin_version;
QEMU_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info, int argc,
                                    char **argv);

#endif
