package dev.monoquant.script;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostDeviceTest {

  @ParameterizedTest
  @CsvSource({
    "cuda:0, cpu",
    "cuda:12, cpu",
    "xpu:1, cpu",
    "cpu, cpu",
    "cuda, cuda",
    "cuda:, cuda:",
    "cuda:x, cuda:x",
    "note: cuda:0, note: cuda:0",
    "meta:0, meta:0"
  })
  void textsOfPickles(String before, String after) {
    HostDevice device = new HostDevice();
    assertThat(device.ofPickle(before)).isEqualTo(after);
    assertThat(device.hasReplaced()).isEqualTo(!before.equals(after));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "torch.to(x, torch.device(\"cuda:0\"), 6) | torch.to(x, torch.device(\"cpu\"), 6)",
        "f(torch.device(\"mps\"), torch.device(\"cuda:1\")) |"
            + " f(torch.device(\"cpu\"), torch.device(\"cpu\"))",
        "torch.add(torch.cuda(x), x) | torch.add(torch.cpu(x), x)",
        "torch.device(\"cpu\") | torch.device(\"cpu\")",
        "torch.device(\"cud | torch.device(\"cud",
        "torch.device(name) | torch.device(name)",
        "torch.eq(type, \"cuda\") | torch.eq(type, \"cuda\")",
        "\"torch.device(\\\"cuda\\\")\" | \"torch.device(\\\"cuda\\\")\"",
      })
  void devicesOfCode(String before, String after) {
    HostDevice device = new HostDevice();
    assertThat(device.ofCode(before)).isEqualTo(after);
    assertThat(device.hasReplaced()).isEqualTo(!before.equals(after));
  }

  @Test
  void namesEachDeviceOnce() {
    HostDevice device = new HostDevice();
    device.ofPickle("cuda:1");
    device.ofCode("torch.device(\"cuda:1\") torch.device(\"cuda:0\")");
    assertThat(device.note()).startsWith("It was saved on \"cuda:0\", \"cuda:1\": its tensors");
  }
}
