package io.asyncpg.examples.gis;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.locationtech.jts.algorithm.locate.IndexedPointInAreaLocator;
import org.locationtech.jts.geom.Coordinate;
import org.locationtech.jts.geom.Envelope;
import org.locationtech.jts.geom.Geometry;
import org.locationtech.jts.geom.GeometryFactory;
import org.locationtech.jts.geom.Location;
import org.locationtech.jts.geom.MultiPolygon;
import org.locationtech.jts.geom.Point;
import org.locationtech.jts.geom.Polygon;
import org.locationtech.jts.geom.PrecisionModel;
import org.locationtech.jts.geom.prep.PreparedGeometry;
import org.locationtech.jts.geom.prep.PreparedGeometryFactory;
import org.locationtech.jts.geom.util.GeometryFixer;
import org.locationtech.jts.operation.overlayng.OverlayNG;
import org.locationtech.jts.operation.overlayng.OverlayNGRobust;
import org.locationtech.jts.triangulate.VoronoiDiagramBuilder;

/**
 * Islands that nobody has seen, around the point where the equator meets the prime meridian: coasts
 * that are folded again and again, districts around their seats, and places that crowd near towns.
 * The same seed gives the same islands.
 *
 * @param islands the largest first
 * @param districts which cover the islands
 * @param places which lie on them
 */
record Archipelago(List<Island> islands, List<District> districts, List<Place> places) {
  /** Longitude and latitude, in degrees. */
  static final int SRID = 4326;

  /** An island: a row of the table {@code island}. */
  record Island(int id, String name, Polygon geom) {}

  /** A part of an island: a row of the table {@code district}. */
  record District(int id, int island, String name, MultiPolygon geom) {}

  /** A city, a town or a hamlet: a row of the table {@code place}. */
  record Place(int id, String name, int population, Point geom) {}

  /** Where an island lies, and how far it reaches to the east and to the north. */
  private record Outline(double x, double y, double east, double north) {}

  private static final List<Outline> OUTLINES =
      List.of(
          new Outline(-0.75, 0.25, 1.55, 1.05),
          new Outline(1.9, -0.75, 0.95, 0.75),
          new Outline(-2.75, -1.2, 0.55, 0.62),
          new Outline(2.35, 1.35, 0.72, 0.42),
          new Outline(-0.05, -1.75, 0.5, 0.28),
          new Outline(-2.95, 1.45, 0.42, 0.34),
          new Outline(0.85, 1.7, 0.28, 0.2),
          new Outline(3.3, 0.25, 0.2, 0.26),
          new Outline(-1.5, -1.65, 0.22, 0.17),
          new Outline(1.05, 0.75, 0.15, 0.11),
          new Outline(-1.2, 1.85, 0.14, 0.12),
          new Outline(3.35, -1.6, 0.17, 0.13));

  private static final int DISTRICTS = 388;
  private static final int CITIES = 40;

  private static final GeometryFactory SHAPES = new GeometryFactory(new PrecisionModel(), SRID);

  /** Makes one of as many geometries as are asked for; most are places. */
  static Archipelago of(int geometries, long seed) {
    var random = new Random(seed);
    var names = new Names(random);
    List<Island> islands = new ArrayList<>();
    for (Outline outline : OUTLINES) {
      islands.add(new Island(islands.size() + 1, names.next(), coast(outline, random)));
    }
    double land = islands.stream().mapToDouble(island -> island.geom().getArea()).sum();
    List<District> districts = new ArrayList<>();
    for (Island island : islands) {
      int share = (int) Math.round(DISTRICTS * island.geom().getArea() / land);
      for (MultiPolygon part : parts(island.geom(), Math.max(1, share), random)) {
        districts.add(new District(districts.size() + 1, island.id(), names.next(), part));
      }
    }
    int wanted = geometries - islands.size() - districts.size();
    return new Archipelago(
        List.copyOf(islands),
        List.copyOf(districts),
        List.copyOf(settle(islands, land, wanted, names, random)));
  }

  int size() {
    return islands.size() + districts.size() + places.size();
  }

  /** Each side is broken in the middle, out or in, seven times over. */
  private static Polygon coast(Outline outline, Random random) {
    List<Coordinate> ring = new ArrayList<>();
    int corners = 9;
    for (int i = 0; i < corners; i++) {
      double angle = 2 * Math.PI * i / corners;
      double reach = 0.7 + 0.45 * random.nextDouble();
      ring.add(
          new Coordinate(
              outline.x() + outline.east() * reach * Math.cos(angle),
              outline.y() + outline.north() * reach * Math.sin(angle)));
    }
    for (int round = 0; round < 7; round++) {
      List<Coordinate> finer = new ArrayList<>();
      for (int i = 0; i < ring.size(); i++) {
        Coordinate a = ring.get(i);
        Coordinate b = ring.get((i + 1) % ring.size());
        double off = 0.22 * random.nextGaussian();
        finer.add(a);
        finer.add(
            new Coordinate(
                (a.x + b.x) / 2 - (b.y - a.y) * off, (a.y + b.y) / 2 + (b.x - a.x) * off));
      }
      ring = finer;
    }
    ring.add(ring.get(0).copy());
    // Where the coast has crossed itself: the largest piece is the island.
    Geometry mended = GeometryFixer.fix(SHAPES.createPolygon(ring.toArray(new Coordinate[0])));
    Polygon largest = (Polygon) mended.getGeometryN(0);
    for (int i = 1; i < mended.getNumGeometries(); i++) {
      if (mended.getGeometryN(i).getArea() > largest.getArea()) {
        largest = (Polygon) mended.getGeometryN(i);
      }
    }
    return SHAPES.createPolygon(largest.getExteriorRing().getCoordinateSequence());
  }

  /** The land nearer to one seat than to any other: Voronoi's cells, evened out. */
  private static List<MultiPolygon> parts(Polygon island, int count, Random random) {
    List<Coordinate> seats = new ArrayList<>();
    var inside = new IndexedPointInAreaLocator(island);
    PreparedGeometry coast = PreparedGeometryFactory.prepare(island);
    while (seats.size() < count) {
      seats.add(somewhere(island.getEnvelopeInternal(), inside, random));
    }
    for (int round = 0; ; round++) {
      List<MultiPolygon> parts = new ArrayList<>();
      var voronoi = new VoronoiDiagramBuilder();
      voronoi.setSites(seats);
      voronoi.setClipEnvelope(island.getEnvelopeInternal());
      Geometry cells = voronoi.getDiagram(SHAPES);
      for (int i = 0; i < cells.getNumGeometries(); i++) {
        Geometry cell = cells.getGeometryN(i);
        // Most lie inland: nothing is to be cut off them.
        Geometry part =
            coast.covers(cell)
                ? cell
                : OverlayNGRobust.overlay(cell, island, OverlayNG.INTERSECTION);
        if (part instanceof Polygon whole) {
          parts.add(SHAPES.createMultiPolygon(new Polygon[] {whole}));
        } else if (part instanceof MultiPolygon several) {
          parts.add(several);
        }
      }
      if (round == 3) {
        return parts;
      }
      seats =
          new ArrayList<>(parts.stream().map(part -> part.getCentroid().getCoordinate()).toList());
    }
  }

  /** Cities where they fell, and around them what lives of them; the rest anywhere. */
  private static List<Place> settle(
      List<Island> islands, double land, int count, Names names, Random random) {
    record Land(Polygon shape, IndexedPointInAreaLocator inside, List<Coordinate> cities) {}
    List<Land> lands = new ArrayList<>();
    for (Island island : islands) {
      var inside = new IndexedPointInAreaLocator(island.geom());
      List<Coordinate> cities = new ArrayList<>();
      int share = (int) Math.round(CITIES * island.geom().getArea() / land);
      while (cities.size() < Math.max(1, share)) {
        cities.add(somewhere(island.geom().getEnvelopeInternal(), inside, random));
      }
      lands.add(new Land(island.geom(), inside, cities));
    }
    List<Coordinate> spots = new ArrayList<>();
    lands.forEach(each -> spots.addAll(each.cities()));
    while (spots.size() < count) {
      Land at = lands.get(weighted(lands.stream().map(Land::shape).toList(), land, random));
      Coordinate spot;
      if (random.nextInt(100) < 35) {
        spot = somewhere(at.shape().getEnvelopeInternal(), at.inside(), random);
      } else {
        // Small numbers are likelier: the first cities are the large ones.
        int city = (int) (at.cities().size() * Math.pow(random.nextDouble(), 1.6));
        double reach = 0.2 * random.nextDouble();
        Coordinate center = at.cities().get(city);
        spot =
            new Coordinate(
                center.x + reach * random.nextGaussian(), center.y + reach * random.nextGaussian());
      }
      if (at.inside().locate(spot) == Location.INTERIOR) {
        spots.add(spot);
      }
    }
    // Which city is the largest is chance.
    int cities = lands.stream().mapToInt(each -> each.cities().size()).sum();
    List<Integer> populations = new ArrayList<>();
    for (int i = 0; i < cities; i++) {
      populations.add((int) (240_000 / Math.pow(i + 1, 0.8)));
    }
    Collections.shuffle(populations, random);
    List<Place> places = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int population = i < cities ? populations.get(i) : 20 + random.nextInt(900);
      places.add(new Place(i + 1, names.next(), population, SHAPES.createPoint(spots.get(i))));
    }
    return places;
  }

  private static int weighted(List<Polygon> shapes, double total, Random random) {
    double left = random.nextDouble() * total;
    for (int i = 0; i < shapes.size(); i++) {
      left -= shapes.get(i).getArea();
      if (left < 0) {
        return i;
      }
    }
    return shapes.size() - 1;
  }

  private static Coordinate somewhere(
      Envelope box, IndexedPointInAreaLocator inside, Random random) {
    while (true) {
      var spot =
          new Coordinate(
              box.getMinX() + box.getWidth() * random.nextDouble(),
              box.getMinY() + box.getHeight() * random.nextDouble());
      if (inside.locate(spot) == Location.INTERIOR) {
        return spot;
      }
    }
  }

  /** Words that sound like places, one after the other. */
  private static final class Names {
    private static final List<String> BEGIN =
        List.of(
            "Ka", "Mo", "Li", "Sa", "Tor", "Ve", "Na", "Bel", "Or", "Fin", "Ha", "Quil", "Ru", "Es",
            "Gal", "Wy");
    private static final List<String> MIDDLE =
        List.of("la", "ri", "no", "ve", "mi", "do", "sen", "tha", "lo", "ra", "", "");
    private static final List<String> END =
        List.of(
            "ra", "vik", "mar", "ness", "port", "holm", "lia", "dor", "wen", "sund", "bay", "ta");

    private final Random random;

    Names(Random random) {
      this.random = random;
    }

    String next() {
      String name = pick(BEGIN) + pick(MIDDLE) + pick(END);
      return name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
    }

    private String pick(List<String> from) {
      return from.get(random.nextInt(from.size()));
    }
  }
}
