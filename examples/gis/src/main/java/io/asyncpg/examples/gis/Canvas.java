package io.asyncpg.examples.gis;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.Shape;
import java.awt.geom.PathIterator;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.ImageOutputStream;
import org.jspecify.annotations.Nullable;

/** What a map is drawn on: a file of vectors, or one of pixels. Lengths are pixels of the page. */
interface Canvas {
  /** Fills a shape and draws its outline, each only if it has a colour. */
  void shape(
      Shape shape, @Nullable Color fill, @Nullable Color line, double width, float... dashes);

  /** Writes a line of text, with a halo around it if that has a colour. */
  void text(double x, double y, String text, Letters letters, Color color, @Nullable Color halo);

  /** Writes the file. */
  void save(Path file) throws IOException;

  /** Where a text is held: at its begin, in its middle or at its end. */
  enum Anchor {
    START,
    MIDDLE,
    END
  }

  /** How a text looks. */
  record Letters(int size, boolean bold, boolean italic, Anchor anchor) {
    static Letters of(int size) {
      return new Letters(size, false, false, Anchor.START);
    }

    Letters bolder() {
      return new Letters(size, true, italic, anchor);
    }

    Letters slanted() {
      return new Letters(size, bold, true, anchor);
    }

    Letters at(Anchor where) {
      return new Letters(size, bold, italic, where);
    }
  }

  /** Scalable Vector Graphics, written as text. */
  final class Svg implements Canvas {
    private final StringBuilder out = new StringBuilder();

    Svg(int width, int height) {
      out.append(
          String.format(
              Locale.ROOT,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\""
                  + " font-family=\"Georgia,'DejaVu Serif',serif\">%n",
              width,
              height));
    }

    @Override
    public void shape(
        Shape shape, @Nullable Color fill, @Nullable Color line, double width, float... dashes) {
      out.append("<path fill=\"").append(fill == null ? "none" : hex(fill)).append('"');
      if (fill != null && fill.getAlpha() < 255) {
        out.append(" fill-opacity=\"").append(share(fill)).append('"');
      }
      if (line != null) {
        out.append(" stroke=\"").append(hex(line)).append("\" stroke-width=\"").append(width);
        out.append("\" stroke-linecap=\"round\" stroke-linejoin=\"round\"");
        if (line.getAlpha() < 255) {
          out.append(" stroke-opacity=\"").append(share(line)).append('"');
        }
        if (dashes.length > 0) {
          out.append(" stroke-dasharray=\"")
              .append(dashes[0])
              .append(' ')
              .append(dashes[1])
              .append('"');
        }
      }
      out.append(" fill-rule=\"evenodd\" d=\"");
      path(shape);
      out.append("\"/>\n");
    }

    /** Tenths of a pixel, each point as the way from the one before: that is shortest. */
    private void path(Shape shape) {
      double[] at = new double[6];
      long x = 0;
      long y = 0;
      for (PathIterator path = shape.getPathIterator(null, 0.1); !path.isDone(); path.next()) {
        int step = path.currentSegment(at);
        if (step == PathIterator.SEG_CLOSE) {
          out.append('z');
          continue;
        }
        long toX = Math.round(at[0] * 10);
        long toY = Math.round(at[1] * 10);
        if (step == PathIterator.SEG_MOVETO) {
          out.append('M');
          tenths(toX);
          out.append(' ');
          tenths(toY);
        } else if (toX == x && toY == y) {
          out.append("h0");
        } else {
          out.append('l');
          tenths(toX - x);
          out.append(' ');
          tenths(toY - y);
        }
        x = toX;
        y = toY;
      }
    }

    private void tenths(long value) {
      if (value < 0) {
        out.append('-');
      }
      long digits = Math.abs(value);
      out.append(digits / 10);
      if (digits % 10 != 0) {
        out.append('.').append(digits % 10);
      }
    }

    @Override
    public void text(
        double x, double y, String text, Letters letters, Color color, @Nullable Color halo) {
      out.append(
          String.format(
              Locale.ROOT,
              "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" fill=\"%s\"",
              x,
              y,
              letters.size(),
              hex(color)));
      if (letters.bold()) {
        out.append(" font-weight=\"bold\"");
      }
      if (letters.italic()) {
        out.append(" font-style=\"italic\"");
      }
      if (letters.anchor() != Anchor.START) {
        out.append(" text-anchor=\"")
            .append(letters.anchor().name().toLowerCase(Locale.ROOT))
            .append('"');
      }
      if (halo != null) {
        out.append(
            " paint-order=\"stroke\" stroke-width=\"3\" stroke-linejoin=\"round\" stroke=\"");
        out.append(hex(halo)).append("\" stroke-opacity=\"").append(share(halo)).append('"');
      }
      out.append('>');
      out.append(text.replace("&", "&amp;").replace("<", "&lt;")).append("</text>\n");
    }

    @Override
    public void save(Path file) throws IOException {
      Files.writeString(file, out + "</svg>\n");
    }

    private static String hex(Color color) {
      return String.format(Locale.ROOT, "#%06x", color.getRGB() & 0xFF_FFFF);
    }

    private static String share(Color color) {
      return String.format(Locale.ROOT, "%.2f", color.getAlpha() / 255.0);
    }
  }

  /** Portable Network Graphics, drawn by Java itself, without a screen. */
  final class Png implements Canvas {
    private final BufferedImage image;
    private final Graphics2D graphics;
    private final boolean hasFonts;

    Png(int width, int height) {
      System.setProperty("java.awt.headless", "true");
      image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
      graphics = image.createGraphics();
      graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
      graphics.setRenderingHint(
          RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
      hasFonts = hasFonts(graphics);
    }

    /** A machine without any font has a map without words, in this format. */
    private static boolean hasFonts(Graphics2D graphics) {
      try {
        return graphics.getFontMetrics(new Font(Font.SERIF, Font.PLAIN, 12)).stringWidth("m") > 0;
      } catch (RuntimeException | LinkageError | InternalError e) {
        return false;
      }
    }

    @Override
    public void shape(
        Shape shape, @Nullable Color fill, @Nullable Color line, double width, float... dashes) {
      if (fill != null) {
        graphics.setColor(fill);
        graphics.fill(shape);
      }
      if (line != null) {
        graphics.setColor(line);
        graphics.setStroke(
            new BasicStroke(
                (float) width,
                BasicStroke.CAP_ROUND,
                BasicStroke.JOIN_ROUND,
                1,
                dashes.length == 0 ? null : dashes,
                0));
        graphics.draw(shape);
      }
    }

    @Override
    public void text(
        double x, double y, String text, Letters letters, Color color, @Nullable Color halo) {
      if (!hasFonts) {
        return;
      }
      int style = (letters.bold() ? Font.BOLD : 0) | (letters.italic() ? Font.ITALIC : 0);
      Font font = new Font(Font.SERIF, style, letters.size());
      Shape outline = font.createGlyphVector(graphics.getFontRenderContext(), text).getOutline();
      double length = graphics.getFontMetrics(font).stringWidth(text);
      double from =
          switch (letters.anchor()) {
            case START -> x;
            case MIDDLE -> x - length / 2;
            case END -> x - length;
          };
      graphics.translate(from, y);
      if (halo != null) {
        graphics.setColor(halo);
        graphics.setStroke(new BasicStroke(3, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND));
        graphics.draw(outline);
      }
      graphics.setColor(color);
      graphics.fill(outline);
      graphics.translate(-from, -y);
    }

    @Override
    public void save(Path file) throws IOException {
      graphics.dispose();
      ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
      ImageWriteParam smallest = writer.getDefaultWriteParam();
      smallest.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      smallest.setCompressionQuality(0);
      try (ImageOutputStream out = ImageIO.createImageOutputStream(Files.newOutputStream(file))) {
        writer.setOutput(out);
        writer.write(null, new IIOImage(fewerColors(), null, null), smallest);
      } finally {
        writer.dispose();
      }
    }

    /** 32 steps in each colour: nobody sees it, and it is half the file. */
    private BufferedImage fewerColors() {
      for (int y = 0; y < image.getHeight(); y++) {
        for (int x = 0; x < image.getWidth(); x++) {
          int color = image.getRGB(x, y);
          image.setRGB(x, y, step(color >> 16) << 16 | step(color >> 8) << 8 | step(color));
        }
      }
      return image;
    }

    private static int step(int color) {
      return ((color & 0xFF) * 31 + 127) / 255 * 255 / 31;
    }
  }
}
