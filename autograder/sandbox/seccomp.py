"""System calls that submitted code may not make, as programs of the kernel's own filter.

A deny list: what Python and its libraries call is large and changes with their versions, and a call that is missing in
an allow list costs an honest student points. Refused is what no course notebook needs and what has no namespace of its
own, is not counted by any limit, or has often been a way into the kernel. A call that is newer than this list is not
there at all (ENOSYS), so that a new kernel opens nothing. `libseccomp`, which Debian has everywhere, knows the numbers.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import struct
import tempfile

FIRST_UNKNOWN = 453  # from 424 on, all architectures count alike
DENIED = {
    # shared by all users of the machine: no namespace holds them
    "keys": "add_key keyctl request_key",
    "the machine": "acct adjtimex clock_adjtime clock_settime delete_module finit_module init_module ioperm iopl "
    "kexec_file_load kexec_load quotactl quotactl_fd reboot setdomainname sethostname settimeofday stime swapoff swapon "
    "syslog vhangup",
    # memory that counts for no process, and for nothing at all where there are no control groups
    "memory": "memfd_create memfd_secret mq_open msgget semget shmat shmget",
    # namespaces and mounts of the student's own: in them a process has capabilities again
    "namespaces": "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree pivot_root setns umount "
    "umount2 unshare",
    # into other processes
    "processes": "kcmp pidfd_getfd process_madvise process_mrelease process_vm_readv process_vm_writev ptrace",
    # large and young parts of the kernel, or old ones that nobody uses
    "surface": "bpf fanotify_init fanotify_mark io_uring_enter io_uring_register io_uring_setup lookup_dcookie "
    "migrate_pages modify_ldt move_pages name_to_handle_at nfsservctl open_by_handle_at perf_event_open personality "
    "remap_file_pages seccomp sysfs tee uselib userfaultfd ustat vm86 vm86old vmsplice",
}
NAMESPACES = (
    0x02000000,
    0x04000000,
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
    0x00020000,
)  # flags of clone
UNIX, INET, INET6, NETLINK = 1, 2, 10, 16
UDP = 17  # the protocols above it (SCTP, DCCP, MPTCP, ...) are modules that a socket would load

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NE, _EQ, _GT, _MASKED_EQ = 1, 4, 6, 7
_ANONYMOUS_SHARED = 0x21  # MAP_ANONYMOUS | MAP_SHARED


class _Comparison(ctypes.Structure):  # struct scmp_arg_cmp
    _fields_ = [
        ("argument", ctypes.c_uint), ("operation", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64),
    ]  # fmt: skip


def rules() -> list[tuple[str, int, list[tuple[int, int, int, int]]]]:
    """Call, error that it gets, and conditions (argument, operation, operands) that must all hold."""
    found = [(name, errno.EPERM, []) for names in DENIED.values() for name in names.split()]
    found.append(
        ("clone3", errno.ENOSYS, [])
    )  # its flags are out of a filter's sight; callers fall back to clone
    found += [("clone", errno.EPERM, [(0, _MASKED_EQ, flag, flag)]) for flag in NAMESPACES]
    # Shared memory without a name: what is not mapped just now is in no process's size.
    shared = (3, _MASKED_EQ, _ANONYMOUS_SHARED, _ANONYMOUS_SHARED)
    found.append(("mmap", errno.EPERM, [shared]))
    for call in ("socket", "socketpair"):
        allowed = (UNIX, INET, INET6, NETLINK)
        refused = [(0, _EQ, family, 0) for family in range(NETLINK) if family not in allowed]
        refused += [(0, _GT, NETLINK, 0), (2, _GT, UDP, 0)]
        found += [(call, errno.EAFNOSUPPORT, [condition]) for condition in refused]
        found.append((call, errno.EAFNOSUPPORT, [(0, _EQ, NETLINK, 0), (2, _NE, 0, 0)]))  # but for routes
    return found


@functools.cache
def programs() -> tuple[bytes, ...]:
    """The filter, as arrays of `struct sock_filter`; nothing where there is no libseccomp."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return ()
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(_ALLOW)))
    for name, error, conditions in rules():
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:  # this architecture, or this libseccomp, does not have it
            continue
        comparisons = (_Comparison * len(conditions))(*conditions)
        failure = library.seccomp_rule_add_array(
            context, ctypes.c_uint32(_ERRNO | error), number, len(conditions), comparisons
        )
        if failure:
            raise OSError(-failure, f"libseccomp refuses the rule for {name}")
    with tempfile.TemporaryFile() as file:
        failure = library.seccomp_export_bpf(context, file.fileno())
        library.seccomp_release(context)
        if failure:
            raise OSError(-failure, "libseccomp wrote no program")
        file.seek(0)
        known = file.read()
    load, jump_if_at_least, answer = 0x20, 0x35, 0x06
    newer = [
        (load, 0, 0, 0), (jump_if_at_least, 0, 1, FIRST_UNKNOWN),
        (answer, 0, 0, _ERRNO | errno.ENOSYS), (answer, 0, 0, _ALLOW),
    ]  # fmt: skip
    return known, b"".join(struct.pack("HBBI", *instruction) for instruction in newer)
