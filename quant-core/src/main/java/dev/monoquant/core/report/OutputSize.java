package dev.monoquant.core.report;

import dev.monoquant.core.text.Fields;
import dev.monoquant.core.text.Text;
import dev.monoquant.core.text.TextTable;
import dev.monoquant.spi.BesideFile;
import dev.monoquant.spi.BesideFile.Fate;
import java.util.List;

/**
 * The size of an output, file by file.
 *
 * @param tensorBytes bytes of all tensor files, headers included
 * @param besideBefore bytes, in the input, of its other files that the output also has, copied or
 *     changed
 * @param beside the other files of the output, and those of the input that the output does not have
 */
public record OutputSize(long tensorBytes, long besideBefore, List<BesideFile> beside) {

  private static final int MAX_ROWS = 100;

  /** Copies the list. */
  public OutputSize {
    beside = List.copyOf(beside);
  }

  /** {@return bytes of all files of the output} */
  public long bytes() {
    return tensorBytes + besideBytes();
  }

  private long besideBytes() {
    return beside.stream()
        .filter(f -> f.fate() != Fate.LEFT_OUT)
        .mapToLong(BesideFile::bytes)
        .sum();
  }

  void describe(Fields out) {
    out.objects(
        "side_files",
        beside,
        (fields, file) ->
            fields
                .text("name", file.name())
                .integer("bytes", file.bytes())
                .text("fate", file.fate().wire())
                .text("reason", file.reason()));
  }

  /** Appends nothing if the output is one file. */
  void appendWhole(long tensorsBefore, StringBuilder out) {
    long files = beside.stream().filter(f -> f.fate() != Fate.LEFT_OUT).count();
    if (files > 0) {
      out.append(
          Text.format(
              "all files: %s, with %s in %s beside the tensors\n",
              Text.change(tensorsBefore + besideBefore, bytes()),
              Text.bytes(besideBytes()),
              Text.count(files, "file")));
    }
  }

  /** Appends nothing if there are no other files. */
  void appendFiles(StringBuilder out) {
    if (beside.isEmpty()) {
      return;
    }
    TextTable table = new TextTable("file", "", ">size", "why");
    beside.stream()
        .limit(MAX_ROWS)
        .forEach(
            f ->
                table.row(
                    Text.name(f.name()),
                    f.fate().wire(),
                    Text.bytes(f.bytes()),
                    Text.line(f.reason())));
    out.append('\n');
    table.appendTo(out);
    if (beside.size() > MAX_ROWS) {
      out.append(
          Text.format(
              "%d of %d files are shown; the JSON form has all\n", MAX_ROWS, beside.size()));
    }
    out.append('\n');
  }
}
