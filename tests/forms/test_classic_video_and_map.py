"""YouTubeVideo and GoogleMap against stand-ins for Google's scripts; a map without a key."""

from __future__ import annotations

from playwright.sync_api import Route, expect

from tests.forms.playground import Playground, play, shared_playground

__all__ = ["play", "shared_playground"]

# Answers as https://developers.google.com/youtube/iframe_api_reference has it.
YOUTUBE = """
window.YT = {Player: class {
  constructor(frame, {events}) {
    this.events = events;
    window.player = this;
    this.did = [];
    setTimeout(() => events.onReady(), 0);
  }
  setVolume(volume) { this.volume = volume; }
  getVolume() { return this.volume; }
  getCurrentTime() { return 4.5; }
  getDuration() { return 60; }
  getPlayerState() { return 2; }
  playVideo() { this.did.push("play"); this.events.onStateChange({data: 1}); }
  pauseVideo() { this.did.push("pause"); this.events.onStateChange({data: 2}); }
  stopVideo() { this.did.push("stop"); }
  seekTo(seconds) { this.did.push(seconds); }
  mute() { this.did.push("mute"); }
  unMute() { this.did.push("unmute"); }
}};
window.onYouTubeIframeAPIReady();
"""

# As https://developers.google.com/maps/documentation/javascript/reference has it.
MAPS = """{
class Thing {
  constructor(...args) {
    this.options = {...args[args.length - 1]};
    this.heard = {};
    (window.made ??= {})[this.constructor.name] = this;
  }
  setOptions(options) { Object.assign(this.options, options); }
  addListener(name, handler) { this.heard[name] = handler; }
  setMap(map) { this.map = map; }
}
const position = ({lat, lng}) => ({lat: () => lat, lng: () => lng});
class Map extends Thing {
  getCenter() { return position(this.options.center); }
  getZoom() { return this.options.zoom; }
  getMapTypeId() { return "roadmap"; }
  panTo(to) { this.options.center = to; }
}
class Marker extends Thing { getPosition() { return position(this.options.position); } }
class Polyline extends Thing {}
class InfoWindow extends Thing {
  open(where) { this.where = where; }
  close() { this.where = null; }
}
window.google = {maps: {Map, Marker, Polyline, InfoWindow}};
}"""


def script(body: str) -> object:
    return lambda route: Route.fulfill(route, body=body, content_type="text/javascript")


def test_a_video_is_steered_from_python(play: Playground) -> None:
    play.page.route("https://www.youtube.com/**", script(YOUTUBE))  # type: ignore[arg-type]
    play.page.route(
        "https://www.youtube-nocookie.com/**", lambda route: route.fulfill(body="video")
    )
    play.run(
        """
        seen = []
        video = YouTubeVideo(youtube_id="https://youtu.be/cbP2N1BQdYc?t=3", loop=True, volume=30)
        video.set_event_handler("state_change", lambda state, **e: seen.append(state))
        panel.add_component(video)
        video.play()
        """
    )
    play.page.wait_for_function("() => window.player?.did.includes('play')")
    address = play.find("iframe").get_attribute("src") or ""
    assert address.startswith("https://www.youtube-nocookie.com/embed/cbP2N1BQdYc?")
    assert "loop=1" in address
    assert "playlist=cbP2N1BQdYc" in address
    play.run("video.current_time = 12; video.pause()")
    play.page.wait_for_function("() => window.player.did.includes('pause')")
    assert play.run("result = seen") == ["PLAYING", "PAUSED"]
    code = "result = [video.state, video.duration, video.current_time, video.volume]"
    assert play.run(code) == ["PAUSED", 60, 4.5, 30]
    expect(play.find("iframe[title='YouTube video']")).to_be_visible()


def test_a_map_without_a_key_says_so(play: Playground) -> None:
    play.run(
        """
        map = GoogleMap(height=200)
        panel.add_component(map)
        map.add_component(GoogleMap.Marker(position=GoogleMap.LatLng(52, 0)))
        """
    )
    message = "This map needs a Google Maps API key, and the app has none."
    expect(play.page.get_by_text(message)).to_be_visible()


def test_a_map_shows_what_is_on_it(play: Playground) -> None:
    play.page.evaluate("() => { window.anvilGoogleApiKey = 'a-key'; }")
    play.page.route("https://maps.googleapis.com/**", script(MAPS))  # type: ignore[arg-type]
    play.run(
        """
        seen = []
        map = GoogleMap(center=GoogleMap.LatLng(52.2, 0.12), zoom=13, disable_default_ui=True)
        marker = GoogleMap.Marker(
            animation=GoogleMap.Animation.DROP, position=GoogleMap.LatLng(lat=52, lng=1)
        )
        def clicked(sender, lat_lng, **event_args):
            seen.append([lat_lng.lat, lat_lng.lng])
            window = GoogleMap.InfoWindow(content=Label(text="This is Cambridge"))
            window.open(map, sender)
        marker.set_event_handler("click", clicked)
        map.add_component(marker)
        line = GoogleMap.Polyline(
            path=[GoogleMap.LatLng(1, 2), GoogleMap.LatLng(3, 4)], stroke_color="blue",
            icons=[GoogleMap.IconSequence(icon=GoogleMap.Symbol(
                path=GoogleMap.SymbolPath.CIRCLE, stroke_weight=2))],
        )
        map.add_component(line)
        panel.add_component(map)
        """
    )
    play.page.wait_for_function("() => window.made?.Polyline && made.Polyline.map === made.Map")
    options = play.page.evaluate("() => window.made.Map.options")
    assert options["center"] == {"lat": 52.2, "lng": 0.12}
    assert (options["zoom"], options["disableDefaultUI"]) == (13, True)
    marked = play.page.evaluate("() => window.made.Marker.options")
    assert (marked["position"], marked["animation"]) == ({"lat": 52, "lng": 1}, 2)
    drawn = play.page.evaluate("() => window.made.Polyline.options")
    assert drawn["path"] == [{"lat": 1, "lng": 2}, {"lat": 3, "lng": 4}]
    assert drawn["icons"] == [{"icon": {"path": 0, "strokeWeight": 2}}]
    play.page.evaluate(
        "() => window.made.Marker.heard.click({latLng: {lat: () => 5, lng: () => 6}})"
    )
    play.page.wait_for_function("() => window.made.InfoWindow?.where")
    content = "() => window.made.InfoWindow.options.content.textContent"
    assert play.page.evaluate(content) == "This is Cambridge"
    assert play.run("result = [seen, map.center.lat, map.zoom]") == [[[5, 6]], 52.2, 13]
    play.run("map.zoom = 4; map.pan_to(GoogleMap.LatLng(9, 8)); marker.remove()")
    assert play.run("result = [map.zoom, map.center.lng, len(map.markers)]") == [4, 8, 0]
    assert play.page.evaluate("() => window.made.Marker.map") is None


def test_says_what_cannot_stand_on_a_map(play: Playground) -> None:
    error = play.fails("GoogleMap().add_component(Label())")
    assert error.startswith("TypeError: GoogleMap.add_component() takes a GoogleMap.Marker")
    error = play.fails("GoogleMap.LatLng(1, 2, 3)")
    assert error == "TypeError: GoogleMap.LatLng() takes lat, lng"
