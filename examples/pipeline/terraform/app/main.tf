variable "image" {
  type = string
}

variable "db_url" {
  type = string
}

output "url" {
  value = "https://app.acme.org"
}
