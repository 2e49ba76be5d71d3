package dev.monoquant.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.monoquant.bench.ProcessTree.Memory;
import org.junit.jupiter.api.Test;

class ProcessTreeTest {

  @Test
  void statusIsInKibibytes() {
    String status =
        """
        Name:\tjava
        VmHWM:\t    9000 kB
        RssAnon:\t     100 kB
        RssFile:\t      20 kB
        RssShmem:\t       3 kB
        Threads:\t4
        """;
    assertThat(ProcessTree.parseStatus(status)).isEqualTo(new Memory(102400, 125952));
    assertThat(ProcessTree.parseStatus("Name:\tzombie\n")).isEqualTo(Memory.NONE);
  }

  @Test
  void childrenTimeIsFoundBehindAnyCommandName() {
    String stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 100 200 0 0 7 8 123 45 20 0 1 0 999";
    assertThat(ProcessTree.parseChildrenTime(stat)).isEqualTo(1680);
  }

  @Test
  void peaksAreTakenOneByOne() {
    assertThat(new Memory(1, 20).max(new Memory(2, 10))).isEqualTo(new Memory(2, 20));
    assertThat(new Memory(1, 20).plus(new Memory(2, 10))).isEqualTo(new Memory(3, 30));
  }
}
