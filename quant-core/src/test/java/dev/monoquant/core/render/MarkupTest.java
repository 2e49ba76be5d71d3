package dev.monoquant.core.render;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import javax.xml.parsers.DocumentBuilderFactory;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.xml.sax.InputSource;

class MarkupTest {

  /** Whatever a model calls its tensors: a parser reads one attribute and one text, as given. */
  @Property
  void everyTextIsOneTextInXml(@ForAll String text) throws Exception {
    String escaped = Markup.text(text);
    String xml = "<a b=\"" + escaped + "\">" + escaped + "</a>";
    var root =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(xml)))
            .getDocumentElement();
    assertThat(root.getChildNodes().getLength()).isLessThan(2);
    assertThat(root.getAttributes().getLength()).isEqualTo(1);
    assertThat(root.getAttribute("b")).isEqualTo(root.getTextContent());
    if (text.chars().allMatch(c -> c >= ' ' && c < 127)) {
      assertThat(root.getTextContent()).isEqualTo(text);
    }
  }

  @Property
  void nothingMeansAnythingInMarkdown(@ForAll String text) {
    assertThat(Markup.markdown(text).replaceAll("&#\\d+;", ""))
        .doesNotContainPattern("[^\\p{L}\\p{Nd} .,/=+%u0-9a-f]");
  }

  /** GitHub makes a link of {@code www.} without any sign of one. */
  @Test
  void aNameIsNoLinkInMarkdown() {
    assertThat(Markup.markdown("www.evil.example/x.weight"))
        .isEqualTo("www&#46;evil&#46;example/x&#46;weight");
    assertThat(Markup.markdown("www.1.2a 1.25. Or")).isEqualTo("www&#46;1.2a 1.25. Or");
  }

  @Test
  void whatCannotBeSeenIsShown() {
    assertThat(Markup.text("a\u0000b\nc\u202ed\ud800e\uffff"))
        .isEqualTo("a\\u0000b\\u000ac\\u202ed\\ud800e\\uffff");
    assertThat(Markup.text("<b onclick='x'>&\""))
        .isEqualTo("&lt;b onclick=&#39;x&#39;&gt;&amp;&quot;");
  }
}
