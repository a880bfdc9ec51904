package securefile

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Holder returns the process that holds the lock of the file name, as far as the kernel tells: its id, or 0,
// its command line, and whether it is suspended. A process of another container is not to be seen.
func (d *Dir) Holder(name string) (pid int, command string, suspended bool) {
	info, err := d.Root.Lstat(name)
	if err != nil {
		return 0, "", false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, "", false
	}
	for range tries {
		locks, whole := listLocks()
		if pid = holder(locks, stat.Ino); pid != 0 {
			id := strconv.Itoa(pid)
			_, state, _ := strings.Cut(process(id, "stat"), ") ")
			return pid, process(id, "cmdline"), strings.HasPrefix(state, "T")
		}
		if whole {
			break
		}
	}
	return 0, "", false
}

// listLocks returns the kernel's list of locks, proc_locks(5). It comes in pages, and where locks are freed between
// two of them, others move from one page into the one before, unseen. whole says that it fitted into one page.
func listLocks() (list string, whole bool) {
	const longestLine = 128
	file, err := os.Open("/proc/locks")
	if err != nil {
		return "", true
	}
	defer file.Close()
	page := make([]byte, 4096) // the smallest of any computer
	for {
		n, err := file.Read(page)
		if list += string(page[:n]); err != nil {
			return list, len(list) < len(page)-longestLine
		}
	}
}

// holder returns the process that holds a lock of the file with this number, and runs this program; or 0.
func holder(locks string, inode uint64) int {
	self := process("self", "comm")
	for line := range strings.Lines(locks) {
		// "12: FLOCK  ADVISORY  WRITE 4242 00:2a:123456 0 EOF". Some file systems show another device
		// here than stat does, so the name of the program has to tell.
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[1] != "FLOCK" || !strings.HasSuffix(fields[5], ":"+strconv.FormatUint(inode, 10)) || process(fields[4], "comm") != self {
			continue
		}
		if pid, err := strconv.Atoi(fields[4]); err == nil {
			return pid
		}
	}
	return 0
}

// process returns what the kernel tells of a process in a file of /proc, as words.
func process(id, file string) string {
	text, _ := os.ReadFile("/proc/" + id + "/" + file) //nolint:gosec // the id is the kernel's
	return string(bytes.TrimSpace(bytes.ReplaceAll(text, []byte{0}, []byte{' '})))
}

// ofWindows reports whether path is on a disk of Windows that WSL shows. All files there have mode 0777
// and cannot be given another; Windows has its own rules for who may write, and no user of Linux beside
// this one.
func ofWindows(path string) bool {
	const v9fs = 0x01021997 // V9FS_MAGIC in linux/magic.h
	if fileSystem(path) != v9fs {
		return false
	}
	version, err := os.ReadFile("/proc/version")
	return err == nil && strings.Contains(string(version), "microsoft")
}

// NetworkDisk returns the kind of network file system that path is on, or "".
func NetworkDisk(path string) string {
	return map[uint32]string{0x6969: "NFS", 0x517B: "SMB", 0xFF534D42: "SMB", 0xFE534D42: "SMB", 0x5346414F: "AFS", 0x00C36400: "Ceph"}[fileSystem(path)]
}

// fileSystem returns the magic number of the file system that path is on, statfs(2), or 0.
func fileSystem(path string) uint32 {
	var stat syscall.Statfs_t
	if syscall.Statfs(path, &stat) != nil {
		return 0
	}
	return uint32(stat.Type) //nolint:gosec // it has 32 bits
}
