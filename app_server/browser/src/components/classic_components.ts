/** The classic components beside those that forms cannot do without. */

import type { PyType } from "../engine/skulpt";
import { Canvas } from "./canvas";
import { CheckBox } from "./check_box";
import { ColumnPanel } from "./column_panel";
import { DataGrid } from "./data_grid/data_grid";
import { DataRowPanel } from "./data_grid/data_row_panel";
import { DatePicker } from "./date_picker";
import { DropDown } from "./drop_down";
import { FileLoader } from "./file_loader";
import { FlowPanel } from "./flow_panel";
import { GoogleMap } from "./google_map/google_map";
import { GridPanel } from "./grid_panel";
import { Image } from "./image";
import { Link } from "./link";
import { Plot } from "./plot";
import { RadioButton } from "./radio_button";
import { RichText } from "./rich_text/rich_text";
import { Spacer } from "./spacer";
import { Timer } from "./timer";
import { XYPanel } from "./xy_panel";
import { YouTubeVideo } from "./you_tube_video";

export const CLASSIC_COMPONENTS: Record<string, PyType> = {
  Canvas,
  CheckBox,
  ColumnPanel,
  DataGrid,
  DataRowPanel,
  DatePicker,
  DropDown,
  FileLoader,
  FlowPanel,
  GoogleMap,
  GridPanel,
  Image,
  Link,
  Plot,
  RadioButton,
  RichText,
  Spacer,
  Timer,
  XYPanel,
  YouTubeVideo,
};
