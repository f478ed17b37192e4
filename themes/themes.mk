# Themes that are installed, one a line:
#   dist_themes_DATA += themes/dark.theme
dist_themes_DATA =
dist_themes_DATA += themes/dark.theme
dist_themes_DATA += themes/monochrome.theme
