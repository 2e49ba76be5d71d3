package dev.monoquant.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Measurements of a process and its descendants on Linux. On other systems every result is empty.
 *
 * <p>Memory is sampled, so a peak shorter than the interval is missed; the kernel counts processor
 * time exactly.
 */
final class ProcessTree {

  /** The unit of times in {@code /proc}, fixed for programs whatever the kernel's own clock is. */
  private static final long TICKS_PER_SECOND = 100;

  private static final Path PROC = Path.of("/proc");

  private ProcessTree() {}

  /**
   * Resident memory, without swap.
   *
   * @param anonymous bytes that no file backs: heap, stacks, allocations of the engine
   * @param total the same plus mapped files
   */
  record Memory(long anonymous, long total) {
    static final Memory NONE = new Memory(0, 0);

    Memory plus(Memory other) {
      return new Memory(anonymous + other.anonymous, total + other.total);
    }

    Memory max(Memory other) {
      return new Memory(Math.max(anonymous, other.anonymous), Math.max(total, other.total));
    }
  }

  /** {@return whether this system has the files that this class reads} */
  static boolean available() {
    return Files.isReadable(PROC.resolve("self/status"));
  }

  /**
   * {@return the memory of a process and its descendants at this moment}
   *
   * @param process the root; need not be alive
   */
  static Memory memory(ProcessHandle process) {
    return Stream.concat(Stream.of(process), process.descendants())
        .map(p -> memoryOf(PROC.resolve(p.pid() + "/status")))
        .reduce(Memory.NONE, Memory::plus);
  }

  private static Memory memoryOf(Path status) {
    try {
      return parseStatus(Files.readString(status));
    } catch (IOException e) {
      // The process ended between being listed and being read: it holds no memory.
      return Memory.NONE;
    }
  }

  static Memory parseStatus(String status) {
    long anonymous = 0;
    long total = 0;
    for (String line : status.lines().toList()) {
      if (line.startsWith("RssAnon:")) {
        anonymous = kibibytes(line);
        total += anonymous;
      } else if (line.startsWith("RssFile:") || line.startsWith("RssShmem:")) {
        total += kibibytes(line);
      }
    }
    return new Memory(anonymous, total);
  }

  private static long kibibytes(String line) {
    return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
  }

  /**
   * Processor time, user and system, of all children of this process that have ended and were
   * waited for, and of their children. The difference of two readings is the time of a child.
   *
   * @return milliseconds, in steps of 10; empty if the system does not report it
   */
  static OptionalLong childrenCpuMillis() {
    try {
      return OptionalLong.of(parseChildrenTime(Files.readString(PROC.resolve("self/stat"))));
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }

  static long parseChildrenTime(String stat) {
    // The second field is the command in parentheses, which may hold blanks and parentheses.
    // Counted as in proc(5), the first word after it is field 3; cutime and cstime are 16 and 17.
    String[] words = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    return (Long.parseLong(words[13]) + Long.parseLong(words[14])) * 1000 / TICKS_PER_SECOND;
  }
}
