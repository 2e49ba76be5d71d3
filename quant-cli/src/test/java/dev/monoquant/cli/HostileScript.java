package dev.monoquant.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** A trained TorchScript model that does something else first. */
final class HostileScript {

  static final Path MODEL = Path.of("src/test/resources/digits/cnn.scripted.pt");
  private static final String FIRST = "    classifier = s.classifier\n";

  private HostileScript() {}

  /**
   * Writes the model with lines before the first of its {@code forward}; the input is {@code x}.
   */
  static Path write(Path to, String... lines) throws IOException {
    StringBuilder text = new StringBuilder();
    for (String line : lines) {
      text.append("    ").append(line).append('\n');
    }
    try (ZipFile zip = new ZipFile(MODEL.toFile());
        OutputStream out = Files.newOutputStream(to);
        ZipOutputStream copy = new ZipOutputStream(out)) {
      for (Enumeration<? extends ZipEntry> all = zip.entries(); all.hasMoreElements(); ) {
        ZipEntry entry = all.nextElement();
        try (InputStream in = zip.getInputStream(entry)) {
          byte[] bytes = in.readAllBytes();
          if (entry.getName().endsWith("/code/__torch__.py")) {
            String code = new String(bytes, StandardCharsets.UTF_8);
            bytes = code.replace(FIRST, text + FIRST).getBytes(StandardCharsets.UTF_8);
          }
          put(copy, entry.getName(), bytes);
        }
      }
    }
    return to;
  }

  private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(bytes.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }
}
