package dev.monoquant.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Chromium without a window, driven over its debugging protocol. Shows local files. */
final class Browser implements AutoCloseable {

  private static final long MAX_SECONDS = 60;

  private final Process process;
  private final WebSocket socket;
  private final BlockingQueue<JsonObject> answers = new LinkedBlockingQueue<>();
  private int calls;

  /**
   * @param profile an empty folder
   */
  Browser(Path profile) throws IOException, InterruptedException {
    process =
        new ProcessBuilder(
                List.of(
                    "chromium",
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--hide-scrollbars",
                    "--remote-debugging-port=0",
                    "--user-data-dir=" + profile,
                    "about:blank"))
            .redirectErrorStream(true)
            .redirectOutput(profile.resolve("log.txt").toFile())
            .start();
    Path port = profile.resolve("DevToolsActivePort");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(MAX_SECONDS);
    while (!Files.exists(port) || Files.readAllLines(port).size() < 2) {
      if (!process.isAlive() || System.nanoTime() > end) {
        throw new IOException("chromium: " + Files.readString(profile.resolve("log.txt")));
      }
      Thread.sleep(50);
    }
    HttpClient client = HttpClient.newHttpClient();
    String address = "127.0.0.1:" + Files.readAllLines(port).get(0);
    String pages =
        client
            .send(
                java.net.http.HttpRequest.newBuilder(URI.create("http://" + address + "/json"))
                    .build(),
                HttpResponse.BodyHandlers.ofString())
            .body();
    String page =
        JsonParser.parseString(pages).getAsJsonArray().asList().stream()
            .map(JsonElement::getAsJsonObject)
            .filter(one -> one.get("type").getAsString().equals("page"))
            .findFirst()
            .orElseThrow()
            .get("webSocketDebuggerUrl")
            .getAsString();
    socket = client.newWebSocketBuilder().buildAsync(URI.create(page), new Listener()).join();
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        answers.add(JsonParser.parseString(text.toString()).getAsJsonObject());
        text.setLength(0);
      }
      from.request(1);
      return null;
    }
  }

  /** Calls a method of the protocol; events are dropped. */
  JsonObject call(String method, String params) {
    int id = ++calls;
    socket
        .sendText(
            String.format("{\"id\":%d,\"method\":\"%s\",\"params\":%s}", id, method, params), true)
        .join();
    try {
      while (true) {
        JsonObject answer = answers.poll(MAX_SECONDS, TimeUnit.SECONDS);
        if (answer == null || answer.has("error")) {
          throw new AssertionError(method + ": " + answer);
        }
        if (answer.has("id") && answer.get("id").getAsInt() == id) {
          return answer.getAsJsonObject("result");
        }
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** Shows a file, and waits until it is loaded. */
  void show(Path file) throws InterruptedException {
    call("Page.navigate", "{\"url\":\"" + file.toUri() + "\"}");
    for (int i = 0; i < MAX_SECONDS * 20; i++) {
      String state = "document.readyState + location.protocol";
      if (evaluate(state).getAsString().equals("completefile:")) {
        return;
      }
      Thread.sleep(50);
    }
    throw new AssertionError(file + " does not load");
  }

  /** {@return the value of an expression in the page} */
  JsonElement evaluate(String expression) {
    JsonObject params = new JsonObject();
    params.addProperty("expression", expression);
    params.addProperty("returnByValue", true);
    JsonObject result = call("Runtime.evaluate", params.toString());
    if (result.has("exceptionDetails")) {
      throw new AssertionError(expression + ": " + result);
    }
    return result.getAsJsonObject("result").get("value");
  }

  void size(int width, int height) {
    call(
        "Emulation.setDeviceMetricsOverride",
        String.format(
            "{\"width\":%d,\"height\":%d,\"deviceScaleFactor\":1,\"mobile\":false}",
            width, height));
  }

  /** Takes a picture of the whole page. */
  void picture(Path file) throws IOException {
    String data =
        call("Page.captureScreenshot", "{\"format\":\"png\",\"captureBeyondViewport\":true}")
            .get("data")
            .getAsString();
    Files.createDirectories(file.getParent());
    Files.write(file, Base64.getDecoder().decode(data));
  }

  @Override
  public void close() {
    socket.abort();
    process.destroy();
    try {
      if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
